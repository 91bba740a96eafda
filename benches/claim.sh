#!/bin/sh
# The protocol as a straightforward shell script: fetch, reset, move the folder, add the line, commit, push, try again.
# Runs in a clone or worktree of its own; the fair opponent that `cargo bench` measures against.
#   claim.sh <id> | --next
set -eu
wish=$1
root=_AGENTS/sessions
for try in $(seq 50); do
  # Worktrees of one clone share the tracking branch, and its lock.
  if ! git fetch --quiet origin main 2>/dev/null; then
    sleep "0.$(( ($$ + try) % 3 ))"
    continue
  fi
  git reset --quiet --hard FETCH_HEAD
  id=$wish
  if [ "$wish" = --next ]; then
    id=$(ls $root/planned | head -n 1)
    [ -n "$id" ] || exit 4
  fi
  if grep -q "^$id:" $root/sessions.lock; then
    echo "held: $id" >&2
    exit 3
  fi
  [ -d "$root/planned/$id" ] || { echo "not planned: $id" >&2; exit 3; }
  git mv "$root/planned/$id" "$root/active/$id"
  echo "$id:$(date +%s)" >>$root/sessions.lock
  sort -o $root/sessions.lock $root/sessions.lock
  git add $root/sessions.lock
  git commit --quiet -m "[$id] Claim session ($$ $try)"
  if git push --quiet origin HEAD:main 2>/dev/null; then
    exit 0
  fi
  sleep "0.$(( ($$ + try) % 3 ))"
done
exit 6
