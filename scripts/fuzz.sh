#!/usr/bin/env bash
# Runs each libFuzzer target for a number of seconds, starting from its corpus in the tree, two at a time.
#   scripts/fuzz.sh [--repeat] [SECONDS [RESULTS.json]] [-- NAME…]
# By itself it explores: a new seed each time, and what earlier runs found interesting is kept in build/fuzz/corpus/
# and built upon. With --repeat, as scripts/test.sh calls it, a commit gives the same result each time: the seed is
# fixed, only the corpus in the tree is read, new inputs go to a directory that is thrown away, and addresses are not
# randomised (libFuzzer mutates by what it sees compared, pointers included). A slower machine only gets less far in
# the same sequence of inputs.
# Inputs that fail are left in build/fuzz/findings/; what they show is fixed, and they go to test/fuzz/corpus/.
set -euo pipefail
cd "$(dirname "$0")/.."
repeat=no
if [ "${1:-}" = --repeat ]; then
  repeat=yes
  shift
fi
seconds=${1:-60}
results=${2:-/dev/null}
[ $# -gt 2 ] && shift 3 || shift $#

if [ ! -f build/fuzz/build.ninja ]; then
  CC=clang meson setup build/fuzz --buildtype=debugoptimized -Dfuzz=true -Db_sanitize=address,undefined \
    -Db_lundef=false >/dev/null
fi
ninja -C build/fuzz fuzzers | tail -n 1
mkdir -p build/fuzz/findings build/fuzz/corpus
: >"$results"

options=() launcher=() kept=$PWD/build/fuzz/corpus
if [ "$repeat" = yes ]; then
  kept=$(mktemp -d)
  trap 'rm -rf "$kept"' EXIT
  options=(-seed=1 -reload=0)
  # A container may forbid the personality that turns the randomisation off.
  if setarch -R true 2>/dev/null; then launcher=(setarch -R); fi
fi

one() {
  local target=$1 name result=OK
  name=$(basename "$target")
  name=${name#fuzz_}
  mkdir -p "$kept/$name"
  timeout $((seconds + 120)) "${launcher[@]}" "$target" "${options[@]}" -max_total_time="$seconds" \
    -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="build/fuzz/findings/$name-" -print_final_stats=1 \
    "$kept/$name" "test/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1 || result=FAIL
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log" | tail -n 1)
  echo "fuzz $name: $result, ${runs:-0} inputs"
  [ "$result" = OK ] || tail -n 30 "build/fuzz/$name.log"
  printf '{"name": "fuzz %s", "result": "%s"}\n' "$name" "$result" >>"$results"
  [ "$result" = OK ]
}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for f in test/fuzz/fuzz_*.c; do
    f=$(basename "$f" .c)
    names+=("${f#fuzz_}")
  done
fi
failed=0 running=0
for n in "${names[@]}"; do
  one "build/fuzz/test/fuzz/fuzz_$n" &
  running=$((running + 1))
  if [ "$running" -ge 2 ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
done
while [ "$running" -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit "$failed"
