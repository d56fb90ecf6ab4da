#!/usr/bin/env bash
# Reviews for the action: what a change touched when BASE names the commit it starts from, else everything. Findings become
# annotations and the log SARIF. It ends with 0 in any case, so that the log is uploaded; the code is one of the outputs.
set -euo pipefail

args=()
if [[ -n ${BASE:-} ]]; then
  if ! git rev-parse --quiet --verify "$BASE^{commit}" >/dev/null; then
    echo "::error title=lighterman::the commit $BASE, which the change starts from, is not in this clone: give actions/checkout fetch-depth 0"
    echo "code=2" >>"$GITHUB_OUTPUT"
    exit 0
  fi
  args+=(--base "$BASE")
fi
if [[ -n ${FAIL_ON:-} ]]; then
  args+=(--fail-on "$FAIL_ON")
fi
# Words, which are not evaluated: neither variables nor commands in them do anything.
read -r -d '' -a more <<<"${ARGS:-}" || true

rm -f "$SARIF"
code=0
lighterman review "${args[@]}" --format github --format "sarif=$SARIF" "${more[@]}" || code=$?
if [[ -s $SARIF ]]; then
  echo "sarif=$SARIF" >>"$GITHUB_OUTPUT"
fi
echo "code=$code" >>"$GITHUB_OUTPUT"
