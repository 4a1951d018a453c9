#!/bin/sh
# Format, lint, types, layers and unit tests: lint beside the rest, since it takes one core for longest.
set -u
cd "$(dirname "$0")/.."

npm run --silent lint &
lint=$!
npm run --silent format && npm run --silent types && npm run --silent unit
rest=$?
wait "$lint" && exit "$rest"
