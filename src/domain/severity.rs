//! How bad a finding is: of `doctor`, `verify` and `verify-log` alike.

/// How bad a finding is. Errors alone make the exit status 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// An invariant is broken.
    Error,
    /// Something that somebody should look at.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Declares a kind of flaws once: its name, then for each variant, code, severity, and what a person can do.
macro_rules! flaws {
    ($(#[$about:meta])* $name:ident $($(#[$doc:meta])* $variant:ident $code:literal $severity:ident $remedy:literal,)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All of them, the worst first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code; `docs/verify.md` says what it means.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// How bad it is.
            pub const fn severity(self) -> $crate::domain::severity::Severity {
                match self { $(Self::$variant => $crate::domain::severity::Severity::$severity,)* }
            }

            /// What a person can do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

pub(crate) use flaws;
