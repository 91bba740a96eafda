//! The verbs: for each its name, what parses its words, and what it may do without a remote.

use clap::Subcommand;

use super::context::{Context, Failure};
use super::output::Answer;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Init(super::init::Arguments),
    New(Box<super::new::Arguments>),
    Ready(super::plan::Ready),
    Unready(super::plan::Unready),
    List(super::list::Arguments),
    Show(super::show::Arguments),
    Next(super::next::Arguments),
    Watch(super::watch::Arguments),
    Claim(super::claim::Arguments),
    Renew(super::work::Renew),
    Publish(super::work::Publish),
    Release(super::release::Arguments),
    Pause(super::pause::Arguments),
    Resume(super::resume::Arguments),
    Handoff(super::handoff::Arguments),
    Brief(super::brief::Arguments),
    Takeover(super::takeover::Arguments),
    Env(super::env::Env),
    Exec(super::env::Exec),
    Run(Box<super::run::Arguments>),
    Runs(super::runs::Arguments),
    Whoami(super::whoami::Arguments),
    Criteria(super::criteria::Arguments),
    Log(super::log::Arguments),
    Decision(super::note::Decision),
    Assumption(super::note::Assumption),
    Artifact(super::note::Artifact),
    Context(super::facts::Arguments),
    Record(super::note::Record),
    Learn(super::learn::Arguments),
    Subsession(super::subsession::Arguments),
    Checkpoint(super::checkpoint::Arguments),
    Fork(super::fork::Arguments),
    Validate(super::validate::Arguments),
    Sync(super::work::Sync),
    Complete(super::complete::Arguments),
    Abandon(super::abandon::Arguments),
    Override(super::overriding::Arguments),
    RestorePlan(super::restore_plan::Arguments),
    Drift(super::drift::Arguments),
    Import(super::import::Arguments),
    Start(super::start::Arguments),
    Close(super::close::Arguments),
    Prune(super::prune::Arguments),
    Config(super::config::Arguments),
    Doctor(super::doctor::Arguments),
    Verify(super::verify::Branch),
    VerifyLog(super::verify::Log),
    Hooks(super::hooks::Arguments),
    HookRun(super::hooks::HookRun),
    Trust(super::trust::Arguments),
    Completions(super::meta::Completions),
    Man(super::meta::Man),
    Demo(super::demo::Arguments),
    DemoAgent(super::demo::Agent),
    DemoJanitor(super::demo::Janitor),
}

/// The verbs that can answer from the last fetched tip.
pub(super) const READERS: &[&str] = &[
    "list",
    "show",
    "drift",
    "next",
    "watch",
    "brief",
    "env",
    "exec",
    "runs",
    "whoami",
    "criteria",
    "log",
    "decision",
    "assumption",
    "artifact",
    "context",
    "record",
    "learn",
    "subsession",
    "validate",
    "hooks",
    "hook-run",
    "config",
    "doctor",
    "verify",
    "verify-log",
    "completions",
    "man",
];

/// The verbs that show something of their own, or ask no remote.
pub(super) const SILENT: &[&str] =
    &["exec", "run", "hook-run", "watch", "demo", "demo-agent", "demo-janitor", "verify", "completions", "man", "whoami"];

/// Declares for each verb its name and its run, once.
macro_rules! verbs {
    ($($variant:ident $name:literal,)*) => {
        impl Verb {
            pub(super) fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
                match self { $(Self::$variant(arguments) => arguments.run(context),)* }
            }
        }
    };
}

verbs! {
    Init "init",
    New "new",
    Ready "ready",
    Unready "unready",
    List "list",
    Show "show",
    Next "next",
    Watch "watch",
    Claim "claim",
    Renew "renew",
    Publish "publish",
    Release "release",
    Pause "pause",
    Resume "resume",
    Handoff "handoff",
    Brief "brief",
    Takeover "takeover",
    Env "env",
    Exec "exec",
    Run "run",
    Runs "runs",
    Whoami "whoami",
    Criteria "criteria",
    Log "log",
    Decision "decision",
    Assumption "assumption",
    Artifact "artifact",
    Context "context",
    Record "record",
    Learn "learn",
    Subsession "subsession",
    Checkpoint "checkpoint",
    Fork "fork",
    Validate "validate",
    Sync "sync",
    Complete "complete",
    Abandon "abandon",
    Override "override",
    RestorePlan "restore-plan",
    Drift "drift",
    Import "import",
    Start "start",
    Close "close",
    Prune "prune",
    Config "config",
    Doctor "doctor",
    Verify "verify",
    VerifyLog "verify-log",
    Hooks "hooks",
    HookRun "hook-run",
    Trust "trust",
    Completions "completions",
    Man "man",
    Demo "demo",
    DemoAgent "demo-agent",
    DemoJanitor "demo-janitor",
}
