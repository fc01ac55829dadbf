#!/usr/bin/env bash
# The test suite but its slow tier; with arguments, pytest with these. There are two cores, and most
# tests wait: the parts run beside the whole, each in a pytest of its own.
set -uo pipefail
cd "$(dirname "$0")/.."
pytest=(.venv/bin/python -m pytest -m "not slow")
[ $# -eq 0 ] || exec "${pytest[@]}" "$@"

beside=(tests/core tests/tidy tests/component)
log=$(mktemp)
trap 'kill %1 2>/dev/null; rm -f "$log"' EXIT
"${pytest[@]}" -p no:cacheprovider "${beside[@]}" >"$log" 2>&1 &
"${pytest[@]}" tests "${beside[@]/#/--ignore=}"
status=$?
wait %1 || status=$?
printf '\nBeside it, %s:\n' "${beside[*]}"
cat "$log"
exit "$status"
