//! Exit codes: one exhaustive table from error code to exit status. They are part of the contract; codes are only added.

use crate::domain::refusal::Code;

/// What an exit status means, and whether trying again helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The status.
    pub status: u8,
    /// What it means.
    pub meaning: &'static str,
    /// Whether the same command may come to something else later.
    pub retry: &'static str,
}

/// Every status that this program ends with, in order.
pub const MEANINGS: [Meaning; 14] = [
    Meaning { status: 0, meaning: "done; also: already done by us, and an empty `list`", retry: "" },
    Meaning {
        status: 1,
        meaning: "internal fault, or the move landed and a local effect did not (`details` says which; run again)",
        retry: "yes",
    },
    Meaning { status: 2, meaning: "usage: bad argument, bad or ambiguous id, a reason that is missing", retry: "no" },
    Meaning { status: 3, meaning: "refused: the board's own no", retry: "no" },
    Meaning { status: 4, meaning: "nothing to do: no session is ready", retry: "later" },
    Meaning { status: 5, meaning: "a precondition does not hold", retry: "after fixing" },
    Meaning {
        status: 6,
        meaning: "contended: the board kept moving, or another process here kept a lock, until the deadline; nothing of ours landed",
        retry: "yes",
    },
    Meaning {
        status: 7,
        meaning: "the remote refused by policy (protected branch, hook); its text is passed on",
        retry: "no",
    },
    Meaning { status: 8, meaning: "findings of severity error", retry: "no" },
    Meaning {
        status: 9,
        meaning: "environment: no repository or board, git missing or too old, repository format, settings",
        retry: "no",
    },
    Meaning {
        status: 10,
        meaning: "remote unreachable, gone, or authentication failed; nothing of ours landed",
        retry: "yes",
    },
    Meaning {
        status: 11,
        meaning: "board unreadable: broken invariant, conflict marker, newer schema; path and line are given",
        retry: "no",
    },
    Meaning {
        status: 124,
        meaning: "deadline while an outcome is undecided; the next command settles it",
        retry: "yes",
    },
    Meaning { status: 130, meaning: "interrupted; state is consistent", retry: "yes" },
];

/// The status for a refusal.
pub const fn of_refusal(code: Code) -> u8 {
    match code {
        Code::NoReason | Code::BadId | Code::NotImportable | Code::Ambiguous => 2,
        Code::Held
        | Code::NotHolder
        | Code::NotPlanned
        | Code::NoSession
        | Code::Taken
        | Code::PlanChanged
        | Code::NoConversation => 3,
        Code::Nothing => 4,
        Code::Dirty
        | Code::Conflict
        | Code::CriteriaOpen
        | Code::ChecksFailed
        | Code::Untrusted
        | Code::Blocked
        | Code::Overlap
        | Code::Limit
        | Code::PlanIncomplete
        | Code::Knowledge
        | Code::Secret => 5,
    }
}

/// An error that is no refusal: its code and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A defect, or the machine failed us.
    Internal,
    /// An agent that was run has not done what it was asked.
    AgentFailed,
    /// The swap is won and something local is left.
    Unfinished,
    /// The command line says nothing that can be done.
    Usage,
    /// The board kept moving.
    Contended,
    /// The remote's policy.
    Denied,
    /// `doctor` and the like found errors.
    Findings,
    /// Something that we need is not there.
    Environment,
    /// A setting.
    Config,
    /// The remote.
    Unreachable,
    /// The remote does not let us in.
    Unauthorized,
    /// The board.
    Broken,
    /// The deadline.
    Undecided,
    /// Ctrl-C or TERM.
    Interrupted,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 14] = [
        Self::Internal,
        Self::AgentFailed,
        Self::Unfinished,
        Self::Usage,
        Self::Contended,
        Self::Denied,
        Self::Findings,
        Self::Environment,
        Self::Config,
        Self::Unreachable,
        Self::Unauthorized,
        Self::Broken,
        Self::Undecided,
        Self::Interrupted,
    ];

    /// The code as JSON has it, and the status.
    pub const fn code(self) -> (&'static str, u8) {
        match self {
            Self::Internal => ("internal", 1),
            Self::AgentFailed => ("agent_failed", 1),
            Self::Unfinished => ("unfinished", 1),
            Self::Usage => ("usage", 2),
            Self::Contended => ("contended", 6),
            Self::Denied => ("denied", 7),
            Self::Findings => ("findings", 8),
            Self::Environment => ("environment", 9),
            Self::Config => ("config", 9),
            Self::Unreachable => ("unreachable", 10),
            Self::Unauthorized => ("unauthorized", 10),
            Self::Broken => ("broken", 11),
            Self::Undecided => ("undecided", 124),
            Self::Interrupted => ("interrupted", 130),
        }
    }
}

/// `docs/exit-codes.md`, generated from the tables above.
pub fn page() -> String {
    let mut page = String::from(
        "# Exit codes\n\nGenerated from `src/cli/exit.rs`. Codes and statuses are part of the contract: they are only ever added.\n\n\
         | status | meaning | again? | error codes |\n|---|---|---|---|\n",
    );
    for Meaning { status, meaning, retry } in MEANINGS {
        let refusals = Code::ALL.iter().filter(|code| of_refusal(**code) == status).map(|code| code.as_str());
        let faults = Fault::ALL.iter().map(|fault| fault.code()).filter(|(_, of)| *of == status).map(|(code, _)| code);
        let codes: Vec<String> = refusals.chain(faults).map(|code| format!("`{code}`")).collect();
        page.push_str(&format!("| {status} | {meaning} | {retry} | {} |\n", codes.join(", ")));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::{Fault, MEANINGS, of_refusal, page};
    use crate::domain::refusal::Code;

    #[test]
    fn every_status_has_a_meaning() {
        let known: Vec<u8> = MEANINGS.iter().map(|meaning| meaning.status).collect();
        assert!(Code::ALL.iter().all(|code| known.contains(&of_refusal(*code))));
        assert!(Fault::ALL.iter().all(|fault| known.contains(&fault.code().1)));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
    fn the_page_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exit-codes.md");
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        if stored != page() && std::env::var_os("UPDATE_PAGES").is_some() {
            std::fs::write(path, page()).unwrap();
            return;
        }
        assert_eq!(stored, page(), "run the tests once with UPDATE_PAGES=1");
    }
}
