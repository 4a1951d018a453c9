#!/bin/sh
# Every performance figure in one run. Debian packages that the peers need are installed when root.
set -eu
cd "$(dirname "$0")/../.."

missing=''
for pair in nginx:nginx haproxy:haproxy wrk:wrk etcd:etcd-server; do
  command -v "${pair%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
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

# judged and scale run the gate as it is shipped
npm run --silent build

# test/bench/<name>/main.ts or test/bench/<name>.ts, in this order
for name in proxy verdict judged scale; do
  for file in "test/bench/$name/main.ts" "test/bench/$name.ts"; do
    if [ -f "$file" ]; then node --import tsx "$file"; fi
  done
done
