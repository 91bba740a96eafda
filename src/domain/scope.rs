//! Which paths a session's work will touch, and whether two sessions would touch the same.
//!
//! Deliberately not here: which paths there are. The base tree's paths are an argument.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::agent::unprintable;
use super::format::shown;

/// A set of globs over paths of the repository; `*` does not cross `/`, `**` does.
#[derive(Debug, Clone)]
pub struct Scope {
    globs: Vec<String>,
    set: GlobSet,
}

impl Scope {
    /// Reads globs such as `src/auth/**`.
    ///
    /// # Errors
    /// The first glob that does not compile, is empty or absolute, has `..`, or has a control character.
    pub fn parse(globs: &[String]) -> Result<Self, BadGlob> {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            set.add(compile(glob)?);
        }
        // Each compiles alone, but together they may be more than the automaton is allowed to be.
        let set = set.build().map_err(|error| BadGlob::new("all of them together", error.kind().to_string()))?;
        Ok(Self { globs: globs.to_vec(), set })
    }

    /// Whether it has no globs; then it overlaps nothing.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// The globs as they were given.
    pub fn globs(&self) -> &[String] {
        &self.globs
    }

    /// Whether the path, `/`-separated from the top of the repository, is in it.
    pub fn matches(&self, path: &str) -> bool {
        self.set.is_match(path)
    }

    fn first_match(&self, path: &str) -> Option<&str> {
        let at = self.set.matches(path).into_iter().min()?;
        self.globs.get(at).map(String::as_str)
    }
}

/// Where two scopes meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The glob of the first scope.
    pub first: String,
    /// The glob of the second scope.
    pub second: String,
    /// A path of the tree that both match; `None` when one glob's folder holds the other's.
    pub path: Option<String>,
}

/// Where `a` and `b` meet: one glob's literal prefix contains the other's, or a path of `paths` matches a glob of
/// each. An empty scope overlaps nothing.
///
/// The prefixes find files that are not there yet. A glob without one, such as `**/*.md`, meets another on paths
/// alone: it would hold everything otherwise. Only a glob of nothing but `**` and `*`, which says so, does.
pub fn overlaps<'a>(a: &Scope, b: &Scope, paths: impl Iterator<Item = &'a str>) -> Option<Overlap> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    for (one, other) in a.globs.iter().flat_map(|one| b.globs.iter().map(move |other| (one, other))) {
        if nested(one, other) {
            return Some(Overlap { first: one.clone(), second: other.clone(), path: None });
        }
    }
    for path in paths {
        if let (Some(one), Some(other)) = (a.first_match(path), b.first_match(path)) {
            return Some(Overlap { first: one.to_owned(), second: other.to_owned(), path: Some(path.to_owned()) });
        }
    }
    None
}

/// The leading components of a glob that are the same in every path it matches.
fn literal_prefix(glob: &str) -> Vec<&str> {
    glob.split('/').filter(|part| *part != ".").take_while(|part| !part.contains(['*', '?', '[', '{', '\\'])).collect()
}

/// Whether the folder that one of the globs begins with is the other's or holds it.
fn nested(one: &str, other: &str) -> bool {
    if everything(one) || everything(other) {
        return true;
    }
    let (one, other) = (literal_prefix(one), literal_prefix(other));
    !one.is_empty() && !other.is_empty() && one.iter().zip(&other).all(|(a, b)| a == b)
}

/// Whether a glob is `**`, perhaps with stars around.
fn everything(glob: &str) -> bool {
    glob.split('/').all(|part| part == "**" || part == "*") && glob.split('/').any(|part| part == "**")
}

fn compile(glob: &str) -> Result<Glob, BadGlob> {
    let bad = |why: &str| Err(BadGlob::new(glob, why));
    if glob.trim().is_empty() {
        return bad("is empty");
    }
    if glob.contains(unprintable) {
        return bad("has control characters");
    }
    let drive = glob.as_bytes().get(1) == Some(&b':') && glob.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if glob.starts_with(['/', '\\', '~']) || drive {
        return bad("is absolute: globs start at the top of the repository");
    }
    if glob.split(['/', '{', '}', ',']).any(|part| part == "..") {
        return bad("has `..`: globs stay inside the repository");
    }
    GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .map_err(|error| BadGlob::new(glob, format!("is no glob: {}", error.kind())))
}

/// A text that is no glob of a scope; it is kept escaped and cut, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` {why}")]
pub struct BadGlob {
    glob: String,
    why: String,
}

impl BadGlob {
    fn new(glob: &str, why: impl Into<String>) -> Self {
        Self { glob: shown(glob), why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, overlaps};

    fn scope(globs: &[&str]) -> Scope {
        Scope::parse(&globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_star_stays_in_its_folder() {
        let scope = scope(&["src/*.rs", "docs/**"]);
        assert!(scope.matches("src/lib.rs") && scope.matches("docs/a/b.md"));
        assert!(!scope.matches("src/a/lib.rs") && !scope.matches("docs.md"));
    }

    #[test]
    fn scopes_that_meet_and_scopes_that_do_not() {
        let tree = ["Cargo.toml", "src/auth/login.rs", "src/auth/tests/login.rs", "web/app.ts"];
        for (a, b, meet) in [
            (&["src/auth/**"][..], &["src/auth/login.rs"][..], true),
            (&["src/**"], &["src/auth/new/**"], true),
            (&["src/au"], &["src/auth/**"], false),
            (&["src/auth/**"], &["web/**"], false),
            (&["src/**/login.rs"], &["src/*/tests/*"], true),
            (&["docs/a*", "web/*.ts"], &["web/app.*"], true),
            (&["docs/new.md"], &["docs/new.md"], true),
            (&[], &["**"], false),
            (&["**"], &["new/**"], true),
        ] {
            let (one, other) = (scope(a), scope(b));
            assert_eq!(overlaps(&one, &other, tree.into_iter()).is_some(), meet, "{a:?} {b:?}");
            assert_eq!(overlaps(&other, &one, tree.into_iter()).is_some(), meet, "{b:?} {a:?}");
        }
    }

    #[test]
    fn globs_without_a_folder_of_their_own_meet_on_paths_that_both_match() {
        let (a, b) = (scope(&["docs/**", "**/*.rs"]), scope(&["src/auth/**"]));
        let found = overlaps(&a, &b, ["a.rs", "src/auth/a.md", "src/auth/a.rs"].into_iter()).unwrap();
        assert_eq!((found.first.as_str(), found.second.as_str()), ("**/*.rs", "src/auth/**"));
        assert_eq!(found.path.as_deref(), Some("src/auth/a.rs"));
        assert_eq!(overlaps(&a, &b, ["a.rs", "src/auth/a.md"].into_iter()), None);
    }

    #[test]
    fn globs_that_are_refused() {
        for bad in ["", "/etc/*", "../x", "a/../b", "a/{..,b}/c", "[", "a{b", "C:/x", "~/x", "a\u{1b}b"] {
            let error = Scope::parse(&[bad.to_owned()]).unwrap_err().to_string();
            assert!(!error.contains('\u{1b}'), "{error}");
        }
    }
}
