//! The texts of the files that `init` writes, where no template has them.

use crate::domain::settings::Isolation;

/// The block put between its marks; everything else stays as it is.
pub(super) fn with_block(text: &str, block: &str) -> String {
    const BEGIN: &str = "<!-- git-session:begin -->";
    const END: &str = "<!-- git-session:end -->";
    let block = block.trim_end();
    if let Some((before, rest)) = text.split_once(BEGIN)
        && let Some((_, after)) = rest.split_once(END)
    {
        return format!("{before}{block}{after}");
    }
    if text.trim().is_empty() { format!("{block}\n") } else { format!("{}\n\n{block}\n", text.trim_end()) }
}

pub(super) fn shim(verb: &str) -> String {
    format!(
        "#!/bin/sh\n# Written by `git session init`. The work is done by git-session; this only calls it.\n\
         if ! command -v git-session >/dev/null 2>&1; then\n  \
         echo 'git-session is not installed: cargo install git-session' >&2\n  exit 9\nfi\n\
         exec git session {verb} \"$@\"\n"
    )
}

pub(super) fn config(isolation: Option<Isolation>) -> String {
    let isolation = isolation.map_or_else(|| "# isolation: worktree".to_owned(), |kind| format!("isolation: {kind}"));
    format!(
        "# Settings of this board; `git session config` shows what holds and where it comes from.\n\
         {isolation}\n# lease: 4h\n# land: squash\n# max_claims_per_agent: none\n# copy: [.env]\n# validation: [make test]\n"
    )
}
