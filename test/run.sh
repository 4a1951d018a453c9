#!/bin/sh
# Installs what the tests need (Debian packages when root) and runs all of them.
set -eu
cd "$(dirname "$0")/.."

need() { # command, package
  command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
missing=''
need etcd etcd-server
need etcdctl etcd-client
need dockerd docker.io
need docker docker.io
need openssl openssl
need busybox busybox-static
need ip iproute2
need tc iproute2
need ping iputils-ping
need iptables iptables
need arping iputils-arping
need iperf3 iperf3
need tcpdump tcpdump
[ -d /usr/lib/cni ] || missing="$missing containernetworking-plugins"
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
  else
    echo "the tests need these Debian packages, and only root can install them:$missing" >&2
    exit 1
  fi
fi

npm run --silent setup
npm run --silent format
npm run --silent lint
npm run --silent build
exec node --import tsx test/run.ts
