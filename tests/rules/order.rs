//! The order in which sessions land.

use std::collections::BTreeMap;

use git_session::domain::id::SessionId;
use git_session::domain::order::{Landing, landing_order};
use git_session::domain::time::Timestamp;

fn id(slug: &str) -> SessionId {
    format!("2026-11-20-{slug}").parse().unwrap()
}

fn one(slug: &str, since: i64, with_base: usize, after: &[&str]) -> Landing {
    Landing {
        id: id(slug),
        since: Timestamp::from_unix(1_790_000_000 + since),
        with_base,
        after: after.iter().map(|slug| id(slug)).collect(),
    }
}

fn order(sessions: &[Landing], pairs: &[(&str, &str, usize)]) -> String {
    let pairs: BTreeMap<_, _> = pairs.iter().map(|(a, b, files)| ((id(a), id(b)), *files)).collect();
    let order = landing_order(sessions, &pairs);
    assert_eq!(order.len(), sessions.len(), "each is in it once");
    order.iter().map(SessionId::slug).collect::<Vec<_>>().join(" ")
}

#[test]
fn among_equals_whoever_has_waited_longest_lands_first() {
    assert_eq!(order(&[one("a", 2, 0, &[]), one("b", 1, 0, &[]), one("c", 2, 0, &[])], &[]), "b a c");
}

#[test]
fn fewest_conflicts_with_those_still_to_land_come_first_whichever_way_the_pair_is_written() {
    let sessions = [one("a", 1, 0, &[]), one("b", 2, 0, &[]), one("c", 3, 0, &[])];
    // Once `c` has landed nothing is left of its conflict with `a`, which then has no more than `b`: counted anew.
    assert_eq!(order(&sessions, &[("a", "b", 2), ("c", "a", 1)]), "c a b");
    assert_eq!(order(&sessions, &[("a", "b", 1), ("b", "c", 3)]), "a b c");
}

#[test]
fn what_does_not_merge_with_the_base_waits_for_its_sync() {
    let sessions = [one("a", 1, 1, &[]), one("b", 2, 0, &[]), one("c", 3, 0, &[])];
    assert_eq!(order(&sessions, &[("b", "c", 5)]), "b c a");
}

#[test]
fn a_dependency_goes_before_everything_else() {
    let sessions = [one("a", 1, 0, &["c"]), one("b", 2, 0, &[]), one("c", 3, 9, &["gone"])];
    assert_eq!(order(&sessions, &[("b", "c", 5)]), "b c a");
}

#[test]
fn a_circle_ends_too() {
    let sessions = [one("a", 1, 0, &["b"]), one("b", 2, 0, &["a"]), one("c", 3, 0, &["c"])];
    assert_eq!(order(&sessions, &[]), "c a b");
}
