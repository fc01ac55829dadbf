#!/usr/bin/env bash
# The test suite but its slow tier; with arguments, pytest with these. There are two cores, and most
# tests wait: the parts run beside the whole, each in a pytest of its own. What fails when the
# machine is shared like that is tried once more alone; what fails then too, fails, and what does
# not is named at the end. More than a few, or what cannot be collected, are not tried again.
set -uo pipefail
cd "$(dirname "$0")/.."
pytest=(.venv/bin/python -m pytest -m "not slow")
[ $# -eq 0 ] || exec "${pytest[@]}" "$@"

beside=(tests/core tests/tidy tests/component tests/contract tests/isolation)
few=5
folder=$(mktemp -d)
trap 'kill %1 2>/dev/null; rm -rf "$folder"' EXIT

failed() { # the tests that failed in a lane, a line each
    .venv/bin/python -c 'import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).glob("v/cache/lastfailed"):
    print(*json.loads(path.read_text()), sep="\n")' "$folder/$1"
}

again() { # lane, how it ended
    [ "$2" -eq 1 ] || return "$2"
    local names
    mapfile -t names < <(failed "$1")
    [ "${#names[@]}" -ge 1 ] && [ "${#names[@]}" -le "$few" ] || return 1
    printf '\nOnce more, alone:\n'
    "${pytest[@]}" -o cache_dir="$folder/again" "${names[@]}" || return 1
    printf 'UNSTEADY: failed beside other tests, passed alone: %s\n' "${names[@]}"
}

"${pytest[@]}" -o cache_dir="$folder/beside" "${beside[@]}" >"$folder/log" 2>&1 &
"${pytest[@]}" -o cache_dir="$folder/whole" tests "${beside[@]/#/--ignore=}"
whole=$?
wait %1
parts=$?
printf '\nBeside it, %s:\n' "${beside[*]}"
cat "$folder/log"
again whole "$whole" && again beside "$parts"
