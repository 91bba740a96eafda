//! The settings' names: which there are, where each may be given, what holds when nobody gives it.

/// Declares the keys once: variant, name, whether it is a list, built-in value.
macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident $name:literal $kind:ident $default:literal,)*) => {
        /// A setting's key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key { $($(#[$doc])* $variant,)* }

        impl Key {
            /// Every key, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The key as `config.yaml` has it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub(super) const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            pub(super) const fn built_in(self) -> &'static str {
                match self { $(Self::$variant => $default,)* }
            }
        }
    };
}

/// Where a setting may be given, and how many values it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value, also from the board.
    One,
    /// Several values, also from the board.
    List,
    /// One value, from this machine alone: the board is found by it, or it is nobody else's business.
    Local,
    /// Words from this machine alone, those of all its places together.
    Joined,
}

keys! {
    /// The root folder.
    Root "root" Local "_AGENTS/sessions",
    /// The board branch.
    Branch "branch" Local "",
    /// The base branch.
    Base "base" Local "",
    /// The remote's name.
    Remote "remote" Local "origin",
    /// Where work is done.
    Isolation "isolation" One "worktree",
    /// The folder for checkouts.
    Worktrees "worktrees" Local "",
    /// How long a claim counts as alive.
    Lease "lease" One "4h",
    /// How work lands.
    Land "land" One "squash",
    /// Most sessions of one agent.
    MaxClaimsPerAgent "max_claims_per_agent" One "none",
    /// The folder of canonical knowledge.
    Knowledge "knowledge" One "_AGENTS/knowledge",
    /// Ignored files for a fresh checkout.
    Copy "copy" List "",
    /// Validation commands.
    Validation "validation" List "",
    /// Whether the environment file is on the board too.
    Env "env" One "local",
    /// The domain of agents' mail addresses.
    EnvDomain "env_domain" One "agents.local",
    /// When the hub is brought up to date.
    Refresh "refresh" One "auto",
    /// How long a command may take.
    Timeout "timeout" Local "30s",
    /// How remotes are spoken to.
    Transport "transport" Local "auto",
    /// What is waited for until the disk has it.
    Fsync "fsync" Local "auto",
    /// Who shares a swap with whom.
    Combine "combine" Local "host",
    /// The user's own lifecycle hooks.
    HooksPath "hooks_path" Local "",
    /// What the agent can do.
    Can "can" Joined "",
}

/// The key that a word names; case, `-` and `_` do not count, because git config has no `_` in names.
pub(super) fn find(word: &str) -> Result<Key, String> {
    let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
    if let Some(key) = Key::ALL.iter().find(|key| plain(key.name()) == plain(word)) {
        return Ok(*key);
    }
    let nearest = Key::ALL.iter().max_by_key(|key| common(&plain(key.name()), &plain(word)));
    let suggestion = nearest.map_or_else(String::new, |key| format!("; did you mean `{}`?", key.name()));
    Err(format!("unknown setting `{}`{suggestion}", word.escape_debug()))
}

/// How many letters two words share at their beginnings and ends; enough to find a misspelt key among twenty.
fn common(left: &str, right: &str) -> usize {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| pairs.take_while(|(a, b)| a == b).count();
    same(&mut left.chars().zip(right.chars())) + same(&mut left.chars().rev().zip(right.chars().rev()))
}
