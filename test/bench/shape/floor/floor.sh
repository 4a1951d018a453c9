#!/usr/bin/env bash
# What programming 500 containers costs the kernel, with tc and ip and without: the messages that these send are
# given to it again by replay.c, one to a send and 100 to a send. Prints CPU ms (task-clock) of each, ROUNDS=5 times.
# Root; needs gcc, perf, tc, ip. Usage: bash test/bench/shape/floor/floor.sh
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
host="floor-$$"
trap 'ip netns del "$host" 2>/dev/null; rm -rf "$work"' EXIT
gcc -O2 -shared -fPIC -o "$work/capture.so" capture.c -ldl
gcc -O2 -o "$work/replay" replay.c
ip netns add "$host"
in_host() { ip netns exec "$host" "$@"; }
for at in $(seq 0 499); do echo "link add v$at up type veth peer name p$at"; done | ip -n "$host" -batch -

# the name of what is measured, then the program; a program that fails ends all
clocked() {
  local what=$1 out
  shift
  out=$(in_host perf stat -x, -e task-clock "$@" 2>&1 >/dev/null) || { echo "$what: $out" >&2; exit 1; }
  echo "$what $(grep task-clock <<<"$out" | cut -d. -f1)"
}
ours() { ip -n "$host" -o link | grep -o ': corral-[0-9a-z]*' | cut -c3- || true; }
unhooked() {
  { for at in $(seq 0 499); do printf 'qdisc del dev v%d clsact\nqdisc del dev v%d root\n' "$at" "$at"; done
    ours | sed 's/.*/qdisc del dev & root/'; } | in_host tc -force -batch - >/dev/null 2>&1 || true
  sleep 0.5
}
without_ifbs() {
  ours | sed 's/.*/link set dev & group 7/' | ip -n "$host" -batch -
  ip -n "$host" link del group 7
  sleep 0.5
}
captured() { in_host env LD_PRELOAD="$work/capture.so" CAPTURE="$1/$2.captured" "$3" -batch "$1/$2"; }

for ratio in 1 2; do
  lines="$work/$ratio"
  mkdir "$lines"
  node --import tsx lines.ts "$lines" "$ratio"
  kinds=(set-root set-class set-leaf)
  [ "$ratio" = 1 ] || kinds+=(make-table sort)
  kinds+=(hook redirect)
  captured "$lines" make-ifb ip
  for kind in "${kinds[@]}"; do
    captured "$lines" "$kind" tc
    cat "$lines/$kind" >>"$lines/all"
    cat "$lines/$kind.captured" >>"$lines/all.captured"
  done
  unhooked
  for _ in $(seq "${ROUNDS:-5}"); do
    clocked "ratio $ratio, tc" tc -batch "$lines/all"; unhooked
    for count in 1 100; do
      clocked "ratio $ratio, $count to a send" "$work/replay" "$lines/all.captured" "$count"; unhooked
    done
    for kind in "${kinds[@]}"; do
      clocked "ratio $ratio, 100 to a send, $kind" "$work/replay" "$lines/$kind.captured" 100
    done
    unhooked
  done
  for _ in $(seq "${ROUNDS:-5}"); do
    without_ifbs; clocked "ratio $ratio, ip, ifbs" ip -batch "$lines/make-ifb"
    without_ifbs; clocked "ratio $ratio, 100 to a send, ifbs" "$work/replay" "$lines/make-ifb.captured" 100
  done
  without_ifbs
done | awk '{ n = $NF; $NF = ""; all[$0] = all[$0] " " n } END { for (what in all) print what ":" all[what] }' | sort
