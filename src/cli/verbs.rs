//! The verbs: for each its name, what parses its words, and what it may do without a remote.

use clap::Subcommand;

use super::context::{Context, Failure};
use super::output::Answer;
use super::{
    abandon, brief, claim, complete, config, criteria, demo, doctor, env, handoff, init, list, meta, new, next, pause,
    plan, release, resume, show, takeover, trust, verify, watch, whoami, work,
};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Init(init::Arguments),
    New(Box<new::Arguments>),
    Ready(plan::Ready),
    Unready(plan::Unready),
    List(list::Arguments),
    Show(show::Arguments),
    Next(next::Arguments),
    Watch(watch::Arguments),
    Claim(claim::Arguments),
    Renew(work::Renew),
    Publish(work::Publish),
    Release(release::Arguments),
    Pause(pause::Arguments),
    Resume(resume::Arguments),
    Handoff(handoff::Arguments),
    Brief(brief::Arguments),
    Takeover(takeover::Arguments),
    Env(env::Env),
    Exec(env::Exec),
    Whoami(whoami::Arguments),
    Criteria(criteria::Arguments),
    Log(criteria::Log),
    Learn(criteria::Learn),
    Sync(work::Sync),
    Complete(complete::Arguments),
    Abandon(abandon::Arguments),
    Config(config::Arguments),
    Doctor(doctor::Arguments),
    Verify(verify::Branch),
    VerifyLog(verify::Log),
    Trust(trust::Arguments),
    Completions(meta::Completions),
    Man(meta::Man),
    Demo(demo::Arguments),
    DemoAgent(demo::Agent),
    DemoJanitor(demo::Janitor),
}

/// The verbs that can answer from the last fetched tip.
pub(super) const READERS: [&str; 15] = [
    "list",
    "show",
    "next",
    "watch",
    "brief",
    "env",
    "exec",
    "whoami",
    "criteria",
    "config",
    "doctor",
    "verify",
    "verify-log",
    "completions",
    "man",
];

/// The verbs that show something of their own, or ask no remote.
pub(super) const SILENT: [&str; 8] =
    ["exec", "demo", "demo-agent", "demo-janitor", "verify", "completions", "man", "whoami"];

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
    Init "init", New "new", Ready "ready", Unready "unready", List "list", Show "show", Next "next", Watch "watch", Claim "claim",
    Renew "renew", Publish "publish", Release "release", Pause "pause",
    Resume "resume", Handoff "handoff", Brief "brief", Takeover "takeover", Env "env", Exec "exec", Whoami "whoami",
    Criteria "criteria", Log "log", Learn "learn", Sync "sync", Complete "complete", Abandon "abandon", Config "config", Doctor "doctor",
    Verify "verify", VerifyLog "verify-log", Trust "trust", Completions "completions", Man "man",
    Demo "demo", DemoAgent "demo-agent", DemoJanitor "demo-janitor",
}
