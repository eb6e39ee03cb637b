#!/usr/bin/env bash
# Runs all checks one after another, even if one fails, and prints the last line of each at the end.
# Exit code 1 if any failed.
#   tests/checks.sh test   for `make test`: of the slow tests only those marked smoke
#   tests/checks.sh all    for `make test-all`: all tests
set -uo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    test) chosen="and (not slow or smoke)" ;;
    all) chosen="" ;;
    *) echo "tests/checks.sh test|all" >&2; exit 2 ;;
esac
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
summary="" failed=0

part() {  # part NAME COMMAND...
    local name="$1" code=0
    shift
    echo "=== $name"
    "$@" 2>&1 | tee "$output/last" || code=$?
    [ "$code" = 0 ] || failed=1
    summary+="$name: exit code $code"$'\n'"$(tail -n 1 "$output/last")"$'\n'
}

pytest() { .venv/bin/python -m pytest "$@"; }

part "lint" make --no-print-directory lint
# Test files in parallel; then, one after another, tests that measure time or memory or send signals.
part "tests in parallel" pytest -n auto --dist loadfile -m "not alone $chosen"
part "tests alone" pytest -m "alone $chosen"

printf '\n%s' "$summary"
exit "$failed"
