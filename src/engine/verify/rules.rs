//! The rules for the commits of a session's branch, as pure questions about subjects, names and paths.

use crate::checkout::identity::{Identity, User};
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::domain::knowledge::{self, Violation};
use crate::domain::layout::Layout;
use crate::domain::severity::flaws;
use crate::domain::state::State;

flaws! {
    /// What is wrong with a commit of a branch.
    Breach
    /// A key or token in an added line.
    Secret "secret" Error "revoke it first: whoever can read the branch has it; then rewrite the commit without it",
    /// The plan of an active session was changed.
    PlanChanged "plan_changed" Error "put the claimed text back by a commit",
    /// The board's files were changed by a branch.
    RootChanged "root_changed" Error "put them back as the base has them: `git session sync` does",
    /// The record was changed by a branch.
    RecordEdited "record_edited" Error "put it back as the base has it: `git session sync` does; the record is the program's to write",
    /// A session changes knowledge that is not its own.
    Knowledge "knowledge" Error "git session learn 'what was learned' writes where this session may",
    /// A commit says a move that the rules do not have.
    IllegalMove "illegal_move" Error "moves are the program's to make: take the commit off the branch",
    /// A commit that is not by the session's holder, or not on the session's behalf.
    Identity "identity" Error "commit in the session's checkout, or with `git session exec`; git commit --amend --reset-author there mends the newest",
    /// A subject of another form.
    MessageForm "message_form" Error "the form is `[<id>] type: description`; git commit --amend or git rebase -i",
    /// Nobody here knows who holds the session.
    NoRecord "no_record" Note "fetch the board's branch too, so that authors can be held against claims",
}

/// A subject's session: `[<id>] …`.
pub(super) fn named_session(subject: &str) -> Option<SessionId> {
    subject.strip_prefix('[')?.split_once(']')?.0.parse().ok()
}

/// Whether a subject is `[<id>] type: description`, the type perhaps with a scope and an exclamation mark.
pub(super) fn has_form(subject: &str, id: &SessionId) -> bool {
    let rest = subject.strip_prefix(&format!("[{id}] "));
    let Some((kind, description)) = rest.and_then(|rest| rest.split_once(": ")) else { return false };
    let kind = kind.strip_suffix('!').unwrap_or(kind);
    let word = match kind.split_once('(') {
        Some((word, scope)) if scope.len() > 1 && scope.ends_with(')') => word,
        Some(_) => return false,
        None => kind,
    };
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        && !description.trim().is_empty()
}

/// The session that a branch's name names: `session/<id>`, with or without where it is.
pub(super) fn branch_session(name: &str) -> Option<SessionId> {
    let at = name.rfind("session/")?;
    let is_whole = at == 0 || name.get(..at).is_some_and(|before| before.ends_with('/'));
    if !is_whole {
        return None;
    }
    name.get(at + "session/".len()..)?.parse().ok()
}

/// Who a commit says it is by.
pub(super) struct Signed {
    pub(super) author: (String, String),
    pub(super) committer: (String, String),
}

/// What is wrong with the names and addresses on a commit of `id`; `agents` are those that held it, if that is known.
pub(super) fn misattributed(signed: &Signed, id: &SessionId, agents: Option<&[AgentName]>) -> Option<String> {
    for (whose, (_, mail)) in [("author's", &signed.author), ("committer's", &signed.committer)] {
        let local = mail.split_once('@').filter(|(_, domain)| !domain.is_empty()).map(|(local, _)| local);
        let tag = local.and_then(|local| local.split_once('+')).filter(|(user, _)| !user.is_empty());
        // A `+` of the user's own comes before the session's.
        if !tag.is_some_and(|(_, tag)| tag == id.as_str() || tag.ends_with(&format!("+{id}"))) {
            return Some(format!("has `{mail}` as its {whose} address, which is not `…+{id}@…`"));
        }
    }
    let (author, _) = &signed.author;
    let (agent, via) = author.rsplit_once(" (via ").unwrap_or((author, ""));
    if !via.ends_with(')') {
        return Some(format!("is by `{author}`, which is not `<agent> (via <user>)`"));
    }
    if !signed.committer.0.starts_with(&format!("Session-{id} (via ")) {
        return Some(format!("is committed by `{}`, not by `Session-{id} (via <user>)`", signed.committer.0));
    }
    let known = |name: &AgentName| shown_agent(name, id) == agent;
    if agents.is_some_and(|agents| !agents.iter().any(known)) {
        return Some(format!("is by `{agent}`, who never held session `{id}`"));
    }
    None
}

/// An agent's name as git keeps it in a commit.
fn shown_agent(agent: &AgentName, id: &SessionId) -> String {
    let user = User { name: "x".to_owned(), email: "x@x".to_owned() };
    let name = Identity::new(agent, id, &user, "x").author_name;
    name.strip_suffix(" (via x)").unwrap_or(&name).to_owned()
}

/// What a changed path is to the session that changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Touch {
    /// Its own to change.
    Fine,
    /// The plan of an active session.
    Plan(SessionId),
    /// The session's own record.
    Record,
    /// The board's.
    Root,
    /// Knowledge that is not its own.
    Knowledge,
}

/// The folder of what was archived, under the root.
const ARCHIVE: &str = "archive/";

/// What a path is to `session`; `None` is a commit of no session: people plan, and change the board's own settings.
pub(super) fn touch(path: &str, layout: &Layout, knowledge_root: &str, session: Option<&SessionId>) -> Touch {
    if path == Layout::OLD_LOCK {
        return Touch::Root;
    }
    let Some(rest) = path.strip_prefix(layout.root()).and_then(|rest| rest.strip_prefix('/')) else {
        let anybody = SessionId::placeholder();
        return match (knowledge::violation(path, knowledge_root, session.unwrap_or(&anybody)), session) {
            (Some(Violation::Canonical), _) | (Some(Violation::OtherSession), Some(_)) => Touch::Knowledge,
            (Some(Violation::OtherSession), None) | (None, _) => Touch::Fine,
        };
    };
    let mut parts = rest.splitn(3, '/');
    let state = parts.next().and_then(|word| word.parse::<State>().ok());
    let (owner, file) = (parts.next().and_then(|word| word.parse::<SessionId>().ok()), parts.next());
    match (state, owner, file) {
        (Some(State::Active), Some(owner), Some("SESSION.md")) => Touch::Plan(owner),
        (Some(State::Active), Some(owner), Some(file)) if session == Some(&owner) => {
            if file == "session.yaml" {
                Touch::Record
            } else {
                Touch::Fine
            }
        }
        (Some(State::Active | State::Completed | State::Abandoned), Some(_), _) => Touch::Root,
        (Some(_) | None, _, _) if session.is_some() || rest == Layout::LOCK || rest.starts_with(ARCHIVE) => Touch::Root,
        (Some(_) | None, _, _) => Touch::Fine,
    }
}

#[cfg(test)]
mod tests {
    use super::{Signed, Touch, branch_session, has_form, misattributed, named_session, touch};
    use crate::domain::id::SessionId;
    use crate::domain::layout::Layout;

    fn id() -> SessionId {
        "2026-11-20-auth".parse().unwrap()
    }

    #[test]
    fn a_subject_names_its_session_and_has_a_type() {
        for (subject, good) in [
            ("[2026-11-20-auth] feat: tokens", true),
            ("[2026-11-20-auth] fix(core)!: tokens: two", true),
            ("[2026-11-20-auth] tokens", false),
            ("[2026-11-20-auth] feat:tokens", false),
            ("[2026-11-20-auth] feat: ", false),
            ("[2026-11-20-auth] Feat: tokens", false),
            ("[2026-11-20-auth] feat(: tokens", false),
            ("[2026-11-20-auth-2] feat: tokens", false),
            ("feat: tokens", false),
        ] {
            assert_eq!(has_form(subject, &id()), good, "{subject}");
        }
        assert_eq!(named_session("[2026-11-20-auth] x"), Some(id()));
        assert_eq!(named_session("[sessions] x"), None);
    }

    #[test]
    fn a_branch_is_a_session_s_wherever_it_is() {
        for name in ["session/2026-11-20-auth", "origin/session/2026-11-20-auth", "refs/heads/session/2026-11-20-auth"]
        {
            assert_eq!(branch_session(name), Some(id()), "{name}");
        }
        for name in ["main", "my-session/2026-11-20-auth", "session/x", "session/2026-11-20-auth~1", ""] {
            assert_eq!(branch_session(name), None, "{name}");
        }
    }

    #[test]
    fn names_and_addresses_are_those_that_the_checkout_gives() {
        let good = ("claude-1 (via Ada)", "ada+2026-11-20-auth@agents.local", "Session-2026-11-20-auth (via Ada)");
        let agents = ["claude-1".parse().unwrap(), "\"quoted\"".parse().unwrap()];
        for (author, mail, committer, wrong) in [
            (good.0, good.1, good.2, None),
            ("quoted\" (via Ada)", "ada+more+2026-11-20-auth@x.y", good.2, None),
            ("claude-2 (via Ada)", good.1, good.2, Some("never held")),
            ("claude-1", good.1, good.2, Some("`<agent> (via <user>)`")),
            (good.0, "ada@example.org", good.2, Some("author's")),
            (good.0, "+2026-11-20-auth@agents.local", good.2, Some("author's")),
            (good.0, "ada+2026-11-20-auth-2@agents.local", good.2, Some("author's")),
            (good.0, "ada+2026-11-20-auth", good.2, Some("author's")),
            (good.0, good.1, "Ada", Some("committed by")),
        ] {
            let signed = Signed {
                author: (author.to_owned(), mail.to_owned()),
                committer: (committer.to_owned(), good.1.to_owned()),
            };
            let found = misattributed(&signed, &id(), Some(&agents));
            assert_eq!(found.is_some(), wrong.is_some(), "{author} {mail}: {found:?}");
            assert!(wrong.is_none_or(|words| found.unwrap().contains(words)), "{author} {mail}");
        }
        let stranger = Signed {
            author: ("claude-9 (via Ada)".to_owned(), good.1.to_owned()),
            committer: (good.2.to_owned(), good.1.to_owned()),
        };
        assert_eq!(misattributed(&stranger, &id(), None), None, "without a record the form is all there is");
    }

    #[test]
    fn paths_are_a_session_s_own_or_the_board_s() {
        let layout = Layout::default();
        let (auth, merge) = (id(), "kb-2026-11-20-merge-auth".parse().unwrap());
        let root = |path: &str| format!("_AGENTS/sessions/{path}");
        let plan = Touch::Plan(id());
        for (path, own, people) in [
            ("src/lib.rs".to_owned(), Touch::Fine, Touch::Fine),
            (root("active/2026-11-20-auth/worklog.md"), Touch::Fine, Touch::Root),
            (root("active/2026-11-20-auth/SESSION.md"), plan.clone(), plan),
            (root("active/2026-11-20-auth/session.yaml"), Touch::Record, Touch::Root),
            (root("active/2026-11-20-auth/notes/SESSION.md"), Touch::Fine, Touch::Root),
            (root("active/2026-11-20-docs/worklog.md"), Touch::Root, Touch::Root),
            (root("completed/2026-11-20-auth/x"), Touch::Root, Touch::Root),
            (root("planned/2026-11-20-docs/SESSION.md"), Touch::Root, Touch::Fine),
            (root("config.yaml"), Touch::Root, Touch::Fine),
            (root("sessions.lock"), Touch::Root, Touch::Root),
            (root("archive/2026.jsonl"), Touch::Root, Touch::Root),
            (".agents/sessions.lock".to_owned(), Touch::Root, Touch::Root),
            ("_AGENTS/knowledge/auth.md".to_owned(), Touch::Knowledge, Touch::Knowledge),
            ("_AGENTS/knowledge/sessions/2026-11-20-docs/x".to_owned(), Touch::Knowledge, Touch::Fine),
            ("_AGENTS/knowledge/sessions/2026-11-20-auth/x".to_owned(), Touch::Fine, Touch::Fine),
        ] {
            assert_eq!(touch(&path, &layout, "_AGENTS/knowledge", Some(&auth)), own, "{path}");
            assert_eq!(touch(&path, &layout, "_AGENTS/knowledge", None), people, "{path}");
        }
        assert_eq!(touch("_AGENTS/knowledge/auth.md", &layout, "_AGENTS/knowledge", Some(&merge)), Touch::Fine);
    }
}
