//! The tools: find, claim, brief, work, complete. Each is one verb with the parameters that a client may set.
//!
//! Deliberately not here: whatever trusts, overrides, forces, takes over or waives. That is for people at a command line.

use rmcp::model::{Tool as Description, ToolAnnotations};

use super::words::{Kind, Need, Parameter, Place, schema};

/// One tool.
pub(super) struct Tool {
    pub(super) name: &'static str,
    title: &'static str,
    about: &'static str,
    pub(super) verb: &'static str,
    effect: Effect,
    pub(super) parameters: &'static [Parameter],
}

/// What a call does to the board, as the protocol's hints tell it.
#[derive(Clone, Copy)]
enum Effect {
    /// Nothing.
    Reads,
    /// It adds something, each time.
    Adds,
    /// It adds something, once.
    AddsOnce,
    /// It ends a claim and takes the checkout away; the same again changes nothing more.
    Ends,
}

const fn id(place: Place, need: Need) -> Parameter {
    Parameter {
        name: "id",
        about: "The session: its id, its slug or a part of it that is unique",
        kind: Kind::Text,
        place,
        need,
    }
}

const ID: Parameter = id(Place::Argument, Need::Required);
/// For verbs whose argument is a text.
const SESSION: Parameter = id(Place::Option("--session"), Need::Required);

const fn text(name: &'static str, option: &'static str, about: &'static str, need: Need) -> Parameter {
    Parameter { name, about, kind: Kind::Text, place: Place::Option(option), need }
}

const fn texts(name: &'static str, option: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Texts, place: Place::Option(option), need: Need::Optional }
}

const fn flag(name: &'static str, option: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Flag, place: Place::Option(option), need: Need::Optional }
}

const CAN: Parameter = texts("can", "--can", "What you can do, such as gpu: sessions may require it");
const BODY: Parameter = text("body", "--body", "More, in as many lines as it takes", Need::Optional);
const PUBLISH: Parameter =
    flag("publish", "--publish", "Show it to others at once; otherwise the next checkpoint does");

/// All of them, in the order in which they are used.
pub(super) const TOOLS: [Tool; 10] = [
    Tool {
        name: "session_list",
        title: "List sessions",
        about: "The sessions on the board with state, holder, whether each is ready to be claimed, and why not. \
                Without `state` or `all`: active, planned and drafting ones.",
        verb: "list",
        effect: Effect::Reads,
        parameters: &[
            Parameter {
                name: "state",
                about: "Only these states",
                kind: Kind::SomeOf(&["drafting", "planned", "active", "completed", "abandoned", "blocked"]),
                place: Place::Option("--state"),
                need: Need::Optional,
            },
            flag("all", "--all", "Completed and abandoned ones too"),
            CAN,
            flag("mine", "--mine", "Only those that you hold"),
            flag("stale", "--stale", "Only those that are held without a recent sign of life"),
        ],
    },
    Tool {
        name: "session_next",
        title: "Show the next session",
        about: "The session that `session_claim` with `next` would take; it changes nothing. \
                The error `nothing` (exit 4) says that none is ready.",
        verb: "next",
        effect: Effect::Reads,
        parameters: &[CAN],
    },
    Tool {
        name: "session_claim",
        title: "Claim a session",
        about: "Take a planned session: of all who race for it exactly one gets it. Give `id`, or `next` for the best \
                one that is ready. Then work only in the folder `claims[0].checkout`, on the branch that is checked \
                out there; `claims[0].env_file` has the environment. What you hold already you get again.",
        verb: "claim",
        effect: Effect::Adds,
        parameters: &[
            id(Place::Argument, Need::Optional),
            flag("next", "--next", "The best session that is ready, instead of an id"),
            Parameter { about: "What you can do, such as gpu; only with `next`", ..CAN },
        ],
    },
    Tool {
        name: "session_brief",
        title: "Read a session",
        about: "What whoever works on a session has to know: plan, acceptance criteria, decisions, blockers, next \
                steps, what happened last. Read it before you begin. Anyone may.",
        verb: "brief",
        effect: Effect::Reads,
        parameters: &[ID, flag("full", "--full", "All entries of the log, instead of the newest 1,000 of a kind")],
    },
    Tool {
        name: "session_log",
        title: "Note what happened",
        about: "Note a fact, a decision, an assumption, an error in the session's log, for whoever goes on.",
        verb: "log",
        effect: Effect::Adds,
        parameters: &[
            SESSION,
            Parameter {
                name: "text",
                about: "What happened, in a line",
                kind: Kind::Text,
                place: Place::Argument,
                need: Need::Required,
            },
            Parameter {
                name: "type",
                about: "What the entry is about; without it: info",
                kind: Kind::OneOf(&[
                    "info",
                    "progress",
                    "decision",
                    "assumption",
                    "artifact",
                    "warning",
                    "error",
                    "success",
                ]),
                place: Place::Option("--type"),
                need: Need::Optional,
            },
            BODY,
            PUBLISH,
        ],
    },
    Tool {
        name: "session_criteria",
        title: "Mark acceptance criteria",
        about: "Say which acceptance criteria are met or not, and what shows it; with `id` alone they are only shown. \
                `session_complete` refuses while one is open.",
        verb: "criteria",
        effect: Effect::Adds,
        parameters: &[
            SESSION,
            Parameter {
                name: "status",
                about: "How they stand",
                kind: Kind::OneOf(&["met", "unmet"]),
                place: Place::Argument,
                need: Need::Optional,
            },
            Parameter {
                name: "criteria",
                about: "Which ones, such as AC-1",
                kind: Kind::Texts,
                place: Place::Argument,
                need: Need::Optional,
            },
            text("evidence", "--evidence", "How that is known, such as the test that shows it", Need::Optional),
            PUBLISH,
        ],
    },
    Tool {
        name: "session_checkpoint",
        title: "Keep the work so far",
        about: "Write a point of the work down and keep everything in the checkout, committed or not, on the remote. \
                Do it whenever something is reached: whoever takes over gets these files.",
        verb: "checkpoint",
        effect: Effect::AddsOnce,
        parameters: &[ID, text("title", "--title", "What was reached, in a few words", Need::Required), BODY],
    },
    Tool {
        name: "session_handoff",
        title: "Hand a session over",
        about: "Stop, and leave the session to whoever takes over, with what that one has to know. \
                The checkout stays; everything is published.",
        verb: "handoff",
        effect: Effect::Adds,
        parameters: &[
            ID,
            text("summary", "--summary", "What was done and how it stands", Need::Required),
            texts("next_steps", "--next", "What comes next"),
            texts("blockers", "--blocker", "What is in the way"),
            Parameter {
                name: "context",
                about: "What the next one has to know, by name",
                kind: Kind::Pairs,
                place: Place::Option("--context"),
                need: Need::Optional,
            },
        ],
    },
    Tool {
        name: "session_release",
        title: "Give a session back",
        about: "End your claim without completing: the session is planned again, its branch and notes stay, its \
                checkout goes. Refused while the checkout has uncommitted work, unless `wip` commits it.",
        verb: "release",
        effect: Effect::Ends,
        parameters: &[
            ID,
            text("reason", "--reason", "Why", Need::Required),
            flag("wip", "--wip", "Commit uncommitted work to the session's branch first"),
        ],
    },
    Tool {
        name: "session_complete",
        title: "Land the work",
        about: "Land the session's commits on the base branch and end it; the checkout goes. Commit everything first. \
                Refused while a criterion is open, a validation command fails or the base branch conflicts: the error \
                says what to do.",
        verb: "complete",
        effect: Effect::Ends,
        parameters: &[ID, text("summary", "--summary", "What was done", Need::Optional)],
    },
];

impl Tool {
    /// The tool as the protocol describes it.
    pub(super) fn description(&self) -> Description {
        let hints = ToolAnnotations::new().open_world(false);
        let hints = match self.effect {
            Effect::Reads => hints.read_only(true).destructive(false).idempotent(true),
            Effect::Adds => hints.read_only(false).destructive(false).idempotent(false),
            Effect::AddsOnce => hints.read_only(false).destructive(false).idempotent(true),
            Effect::Ends => hints.read_only(false).destructive(true).idempotent(true),
        };
        Description::new(self.name, self.about, schema(self.parameters)).with_title(self.title).with_annotations(hints)
    }
}
