#!/bin/sh
# Every performance figure in one run, or those of the benches named. Debian packages that the peers need
# are installed when root.
set -eu
cd "$(dirname "$0")/../.."

missing=''
for pair in nginx:nginx haproxy:haproxy wrk:wrk etcd:etcd-server dockerd:docker.io docker:docker.io busybox:busybox-static ip:iproute2 iperf3:iperf3 ping:iputils-ping wondershaper:wondershaper; do
  command -v "${pair%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -d /usr/lib/cni ] || missing="$missing containernetworking-plugins"
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
  else
    echo "the benches need these Debian packages, and only root can install them:$missing" >&2
    exit 1
  fi
fi

# As it is shipped: compiled. What tsx makes of a source costs a call for every closure.
npm run --silent build
node_modules/.bin/tsc -p tsconfig.bench.json

# test/bench/<name>/main.ts or test/bench/<name>.ts: those named, or all in this order
for name in ${*:-proxy verdict judged scale fence allocate docker shape}; do
  for file in "dist/.bench/test/bench/$name/main.js" "dist/.bench/test/bench/$name.js"; do
    if [ -f "$file" ]; then node "$file"; fi
  done
done
