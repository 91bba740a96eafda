//! What a completion does with what was learned: one session for each topic and day, and never one for its own kind.

use git_session::domain::id::SessionId;
use git_session::domain::knowledge::{kb_id, topic};
use git_session::domain::moves::{self, KnowledgeDraft, Unmet, WorkFiles};
use git_session::domain::state::State;
use git_session::domain::time::Timestamp;

use crate::world::{Move, NOON, ONE, TWO, World, file, id, plan};

const DAY: i64 = 86_400;

/// What the engine brings along: the id by topic and day, unless that session has ended.
fn learned(world: &World, source: &SessionId, learnings: &str, state: State) -> KnowledgeDraft {
    let first = kb_id(world.now().date(), &topic(learnings));
    let id = moves::knowledge_session(&world.shelf.board(), &first).unwrap();
    KnowledgeDraft { id, state, files: vec![file("SESSION.md", &plan(""))], source: source.clone() }
}

fn completed(world: &mut World, name: &str, learnings: &str, state: State) -> SessionId {
    let source = id(name);
    world.planned(&source, "");
    world.does(ONE, &source, Move::Claim).won();
    let knowledge = learned(world, &source, learnings, state);
    let merge = knowledge.id.clone();
    world.does(ONE, &source, Move::Complete(WorkFiles::default(), Unmet::Recorded, Some(knowledge))).won();
    merge
}

fn sources(world: &World, merge: &SessionId) -> Vec<String> {
    let folder = &world.shelf.folders[&(world.place(merge).unwrap(), merge.clone())];
    folder.keys().filter(|path| path.starts_with("sources/")).cloned().collect()
}

#[test]
fn learnings_make_a_session_that_names_where_they_come_from() {
    for state in [State::Drafting, State::Planned] {
        let mut world = World::default();
        let merge = completed(&mut world, "auth", "# Auth patterns\n", state);
        assert_eq!(merge.as_str(), "kb-2026-11-20-merge-auth-patterns");
        assert_eq!(world.place(&merge), Some(state));
        let record = world.record(&merge).unwrap();
        assert_eq!((record.id, record.parent), (merge.clone(), Some(id("auth"))));
        let events: Vec<&str> = record.history.iter().map(|one| one.event.as_str()).collect();
        assert_eq!((events, record.claim), (vec!["created"], None));
        assert_eq!(world.place(&id("auth")), Some(State::Completed));
        assert!(world.shelf.board().lock().is_empty());
    }
}

#[test]
fn learnings_of_one_topic_and_day_share_a_session() {
    let mut world = World::default();
    let merge = completed(&mut world, "auth", "# Auth\n", State::Drafting);
    let before = world.record(&merge);
    assert_eq!(completed(&mut world, "login", "# auth!\n", State::Drafting), merge);
    assert_eq!(sources(&world, &merge), ["sources/2026-11-20-login.md"]);
    assert_eq!(world.record(&merge), before, "whose record it is, nobody else writes");
    let note = world.shelf.file(State::Drafting, &merge, "sources/2026-11-20-login.md").unwrap();
    assert_eq!(note, b"## [2026-11-20 12:06] Further source\n\n2026-11-20-login\n");
    assert_ne!(completed(&mut world, "tokens", "# Tokens\n", State::Drafting), merge);
    world.seconds += DAY;
    assert_eq!(completed(&mut world, "keys", "# Auth\n", State::Drafting), id("kb-2026-11-21-merge-auth"));
}

#[test]
fn a_session_that_somebody_works_on_gets_the_further_source_where_it_is() {
    for held in [false, true] {
        let mut world = World::default();
        let merge = completed(&mut world, "auth", "# Auth\n", State::Planned);
        if held {
            world.does(TWO, &merge, Move::Claim).won();
        } else {
            world.shelf.append_line(&merge, NOON);
        }
        let line = world.shelf.board().line(&merge);
        assert_eq!(completed(&mut world, "login", "# Auth\n", State::Planned), merge);
        assert_eq!(world.place(&merge), Some(if held { State::Active } else { State::Planned }));
        assert_eq!(sources(&world, &merge), ["sources/2026-11-20-login.md"]);
        assert_eq!(world.shelf.board().line(&merge), line);
    }
}

#[test]
fn what_is_learned_after_the_merge_ended_gets_a_session_of_its_own() {
    let mut world = World::default();
    let merge = completed(&mut world, "auth", "# Auth\n", State::Planned);
    world.does(TWO, &merge, Move::Claim).won();
    world.does(TWO, &merge, Move::Complete(WorkFiles::default(), Unmet::Recorded, None)).won();
    let second = completed(&mut world, "login", "# Auth\n", State::Planned);
    assert_eq!(second, id("kb-2026-11-20-merge-auth-2"));
    world.does(TWO, &second, Move::Abandon(WorkFiles::default())).won();
    assert_eq!(completed(&mut world, "keys", "# Auth\n", State::Planned), id("kb-2026-11-20-merge-auth-3"));
    assert_eq!(completed(&mut world, "more", "# Auth\n", State::Planned), id("kb-2026-11-20-merge-auth-3"));
    assert!(sources(&world, &merge).is_empty());
}

#[test]
fn a_session_of_knowledge_spawns_no_other() {
    let mut world = World::default();
    let merge = completed(&mut world, "auth", "# Auth\n", State::Planned);
    world.does(TWO, &merge, Move::Claim).won();
    let again = learned(&world, &merge, "# Merging\n", State::Planned);
    let spawned = again.id.clone();
    world.does(TWO, &merge, Move::Complete(WorkFiles::default(), Unmet::Recorded, Some(again))).won();
    assert_eq!((world.place(&merge), world.place(&spawned)), (Some(State::Completed), None));
}

#[test]
fn every_topic_of_a_day_is_an_id_whatever_the_heading() {
    let date = Timestamp::from_unix(NOON).unwrap().date();
    for heading in ["# ", "# ../../etc", "# 日本", &format!("# {}", "long ".repeat(60)), "# kb-2026-11-20-merge-x"] {
        let merge = kb_id(date, &topic(heading));
        assert_eq!(merge.as_str().parse().as_ref(), Ok(&merge));
        assert!(merge.as_str().starts_with("kb-2026-11-20-merge-"), "{merge}");
    }
}
