#!/bin/sh
# Format, types, lint, layers and unit tests. Types and lint take longest, so they have a core of their own, and
# the rest, which is nicer, what is left. Properties are tried a tenth as often as in npm test.
set -u
cd "$(dirname "$0")/.."

npm run --silent lint &
lint=$!
nice npm run --silent format && RUNS=0.1 nice npm run --silent unit
rest=$?
wait "$lint" && exit "$rest"
