#!/usr/bin/env bash
# Every part of the checks, one after another, whatever became of the parts before; at the end the
# closing line of each. Exit code 1 if any failed.
#   tests/checks.sh test   what `make test` runs: no slow tests but those of the real workflow
#   tests/checks.sh all    what `make test-all` runs: all of them
set -uo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    test) chosen="and (not slow or smoke)" ;;
    all) chosen="" ;;
    *) echo "tests/checks.sh test|all" >&2; exit 2 ;;
esac
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
summary="" failed=0

part() {  # part NAME COMMAND...
    local name="$1" code=0
    shift
    echo "=== $name"
    "$@" 2>&1 | tee "$said/last" || code=$?
    [ "$code" = 0 ] || failed=1
    summary+="$name: exit code $code"$'\n'"$(tail -n 1 "$said/last")"$'\n'
}

pytest() { .venv/bin/python -m pytest "$@"; }

part "lint" make --no-print-directory lint
# Files of tests side by side; then, one after another, those that time, count memory or signal.
part "tests side by side" pytest -n auto --dist loadfile -m "not alone $chosen"
part "tests alone" pytest -m "alone $chosen"

printf '\n%s' "$summary"
exit "$failed"
