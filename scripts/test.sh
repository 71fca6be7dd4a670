#!/usr/bin/env bash
# Runs every test: installs what is missing, builds the release, AddressSanitizer and ThreadSanitizer variants, runs
# their suites, then each fuzzer for a while. Ends with a line "N passed, N failed".
#   FUZZ_SECONDS=60   time of each fuzzer
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-deps.sh test
# Without these clients the tests that use them are skipped.
scripts/install-clients.sh || echo "no kubectl, no Helm: their tests are skipped"

log=build/test-logs
rm -rf "$log"
mkdir -p "$log"
broken=0

step() {
  printf '\n== %s (%s s since start)\n' "$1" "$SECONDS"
}

# run BUILD SUITE…: builds a variant and runs its suites; results go to $log/BUILD.json
run() {
  local type=$1 suites=()
  shift
  for s in "$@"; do suites+=(--suite "$s"); done
  step "$type: build"
  if ! scripts/build.sh "$type" >"$log/$type.build" 2>&1; then
    tail -n 40 "$log/$type.build"
    echo "build of $type failed"
    broken=$((broken + 1))
    return
  fi
  step "$type: $*"
  meson test -C "build/$type" --no-rebuild --print-errorlogs "${suites[@]}" || true
  cp "build/$type/meson-logs/testlog.json" "$log/$type.json"
}

run release tidy unit facts golden fuzz hostile sim durability api e2e docs
run asan unit golden fuzz
run tsan threads

step "fuzzers, ${FUZZ_SECONDS:-60} s each"
scripts/fuzz.sh --repeat "${FUZZ_SECONDS:-60}" "$log/fuzz.json" || broken=$((broken + 1))

step "done"
python3 scripts/summarise.py "$broken" "$log"/*.json
