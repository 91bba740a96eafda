#!/bin/sh
# The end of a session as a straightforward shell script, run in the hub: squash the session's branch onto the base,
# move the folder, take the line out, commit, push, remove worktree and branch, try again.
#   complete.sh <id> <worktree>
set -eu
id=$1
worktree=$2
root=_AGENTS/sessions
for try in $(seq 50); do
  git fetch --quiet origin main
  git reset --quiet --hard origin/main
  git merge --quiet --squash "session/$id" >/dev/null
  mkdir -p $root/completed
  git mv "$root/active/$id" "$root/completed/$id"
  git diff --cached HEAD -- . ":(exclude)$root" >"$root/completed/$id/$id.patch"
  grep -v "^$id:" $root/sessions.lock >$root/sessions.lock.new || true
  mv $root/sessions.lock.new $root/sessions.lock
  git add $root
  git commit --quiet -m "[$id] Complete session ($$ $try)"
  if git push --quiet origin HEAD:main 2>/dev/null; then
    git worktree remove --force "$worktree"
    git branch --quiet -D "session/$id"
    exit 0
  fi
  sleep "0.$(( ($$ + try) % 3 ))"
done
exit 6
