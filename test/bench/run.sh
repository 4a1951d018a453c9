#!/bin/sh
# Every performance figure in one run. Debian packages that the peers need are installed when root.
set -eu
cd "$(dirname "$0")/../.."

missing=''
for name in nginx haproxy wrk; do
  command -v "$name" >/dev/null 2>&1 || missing="$missing $name"
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

# test/bench/<name>/main.ts or test/bench/<name>.ts, in this order
for name in proxy verdict judged; do
  for file in "test/bench/$name/main.ts" "test/bench/$name.ts"; do
    if [ -f "$file" ]; then node --import tsx "$file"; fi
  done
done
