//! A claim as a shell script makes it: plain git, a bare line in the lock file, the folder moved in a second commit.

use std::path::PathBuf;

use crate::world::World;

/// `claim.sh <id>…`: tries each session in turn; prints `<id> won` or `<id> lost`, one line for each.
const CLAIM: &str = r#"
set -u
cd _AGENTS/sessions
forget() { git fetch -q origin main && git reset -q --hard origin/main; }
for id in "$@"; do
    verdict=lost
    while :; do
        forget || exit 1
        grep -q "^$id:" sessions.lock && break
        [ -d "planned/$id" ] || break
        echo "$id:$(date +%s)" >> sessions.lock
        git commit -q -a -m "lock $id"
        if git push -q origin HEAD:main 2>/dev/null; then verdict=won; break; fi
    done
    if [ $verdict = won ]; then
        while :; do
            git mv "planned/$id" "active/$id" || exit 1
            git commit -q -m "move $id"
            git push -q origin HEAD:main 2>/dev/null && break
            forget || exit 1
        done
    fi
    echo "$id $verdict"
done
"#;

/// Writes the script; gives its path.
pub(crate) fn claim_script(world: &World) -> PathBuf {
    let path = world.root.join("claim.sh");
    std::fs::write(&path, CLAIM).unwrap();
    path
}
