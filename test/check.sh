#!/bin/sh
# Format, types, lint, layers and unit tests: types and lint take one core for longest, the rest the other.
set -u
cd "$(dirname "$0")/.."

npm run --silent lint &
lint=$!
npm run --silent format && npm run --silent unit
rest=$?
wait "$lint" && exit "$rest"
