//! What an agent is told when the rules say no, word for word.

use git_session::domain::moves::{Gate, Unmet, WorkFiles};

use crate::world::{Agent, Move, NEIGHBOUR, NOON, ONE, Said, TWIN, TWO, Wish, World, id, plan, told};

fn no(world: &mut World, who: Agent, name: &str, what: Move) -> String {
    told(&world.does(who, &id(name), what).refused())
}

fn none() -> WorkFiles {
    WorkFiles::default()
}

#[test]
fn whoever_comes_second_is_told_who_holds_it_since_when() {
    let mut world = World::default();
    world.planned(&id("auth"), "");
    world.does(TWO, &id("auth"), Move::Claim).won();
    world.planned(&id("login"), "");
    world.shelf.append_line(&id("login"), NOON - 86_400);
    let mut all = no(&mut world, ONE, "auth", Move::Claim);
    all += &no(&mut world, ONE, "auth", Move::Unready);
    all += &no(&mut world, ONE, "login", Move::Claim);
    all += &no(&mut world, ONE, "login", Move::Abandon(none()));
    insta::assert_snapshot!(all, @r"
    held: session `2026-11-20-auth` is held by `claude-2` since 12:02 UTC
      hint: git session next
      holder: claude-2
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    held: session `2026-11-20-auth` is held by `claude-2` since 12:02 UTC
      hint: git session next
      holder: claude-2
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    held: session `2026-11-20-login` is held by an unknown holder (no record of the claim) since 2026-11-19 12:00 UTC
      hint: git session takeover 2026-11-20-login --reason 'why'
      id: 2026-11-20-login
      lease: expired
      since: 2026-11-19T12:00:00Z
    held: session `2026-11-20-login` is held by an unknown holder (no record of the claim) since 2026-11-19 12:00 UTC
      hint: git session next
      id: 2026-11-20-login
      since: 2026-11-19T12:00:00Z
    ");
}

#[test]
fn whoever_lost_a_claim_is_told_to_whom_and_that_nothing_of_theirs_is_gone() {
    let mut world = World::default();
    for name in ["auth", "login"] {
        world.planned(&id(name), "");
        world.does(ONE, &id(name), Move::Claim).won();
        world.does(ONE, &id(name), Move::Release(none())).won();
    }
    world.does(TWO, &id("auth"), Move::Claim).won();
    world.does(TWIN, &id("login"), Move::Claim).won();
    let mut all = no(&mut world, ONE, "auth", Move::Publish(none()));
    all += &no(&mut world, ONE, "login", Move::Publish(none()));
    all += &no(&mut world, NEIGHBOUR, "nothing", Move::Renew);
    world.planned(&id("shared"), "");
    world.does(NEIGHBOUR, &id("shared"), Move::Claim).won();
    all += &no(&mut world, ONE, "shared", Move::Release(none()));
    world.does(NEIGHBOUR, &id("shared"), Move::Release(none())).won();
    all += &no(&mut world, NEIGHBOUR, "shared", Move::Release(none()));
    insta::assert_snapshot!(all, @r"
    not_holder: session `2026-11-20-auth` was taken over: `claude-2` holds epoch 2 since 12:07 UTC, your claim was epoch 1; your branch and files stay where they are
      hint: git session show 2026-11-20-auth
      holder: claude-2
      id: 2026-11-20-auth
      since: 2026-11-20T12:07:00Z
    not_holder: session `2026-11-20-login` was taken over: `claude-1` holds epoch 2 since 12:08 UTC, your claim was epoch 1; your branch and files stay where they are
      hint: git session show 2026-11-20-login
      holder: claude-1
      id: 2026-11-20-login
      since: 2026-11-20T12:08:00Z
    no_session: no session `2026-11-20-nothing` on the board
      hint: git session list
      id: 2026-11-20-nothing
    not_holder: session `2026-11-20-shared` is held by `claude-3` since 12:13 UTC, not by `claude-1`
      hint: git session show 2026-11-20-shared
      holder: claude-3
      id: 2026-11-20-shared
      since: 2026-11-20T12:13:00Z
    not_holder: session `2026-11-20-shared` is planned, so `claude-3` does not hold it
      hint: git session show 2026-11-20-shared
      id: 2026-11-20-shared
      state: planned
    ");
}

#[test]
fn what_is_not_planned_cannot_be_claimed() {
    let mut world = World::default();
    world.does(ONE, &id("draft"), Move::Create(plan(""))).won();
    world.planned(&id("done"), "");
    world.does(ONE, &id("done"), Move::Claim).won();
    world.does(ONE, &id("done"), Move::Complete(none(), Unmet::Recorded, None)).won();
    let mut all = no(&mut world, ONE, "draft", Move::Claim);
    all += &no(&mut world, ONE, "draft", Move::Unready);
    all += &no(&mut world, ONE, "done", Move::Claim);
    all += &no(&mut world, ONE, "done", Move::Abandon(none()));
    all += &no(&mut world, ONE, "done", Move::Complete(none(), Unmet::Recorded, None));
    all += &no(&mut world, ONE, "nothing", Move::Claim);
    insta::assert_snapshot!(all, @r"
    not_planned: session `2026-11-20-draft` is still a draft, so it cannot be claimed
      hint: git session ready 2026-11-20-draft
      id: 2026-11-20-draft
    not_planned: session `2026-11-20-draft` is drafting, not planned
      hint: git session show 2026-11-20-draft
      id: 2026-11-20-draft
    not_planned: session `2026-11-20-done` is completed, so it cannot be claimed
      hint: git session show 2026-11-20-done
      id: 2026-11-20-done
    not_planned: session `2026-11-20-done` is completed already
      hint: git session show 2026-11-20-done
      id: 2026-11-20-done
    not_holder: session `2026-11-20-done` is completed, so `claude-1` does not hold it
      hint: git session show 2026-11-20-done
      id: 2026-11-20-done
      state: completed
    no_session: no session `2026-11-20-nothing` on the board
      hint: git session list
      id: 2026-11-20-nothing
    ");
}

#[test]
fn gates_name_what_is_in_the_way() {
    let mut world = World::default();
    world.planned(&id("auth"), "scope: [src/auth/**]");
    world.does(TWO, &id("auth"), Move::Claim).won();
    let needs = "depends_on: [2026-11-20-auth, 2026-11-20-nobody]";
    world.planned(&id("login"), needs);
    world.planned(&id("tokens"), "scope: [src/auth/tokens.rs]");
    world.planned(&id("docs"), "");
    let mut all = no(&mut world, ONE, "login", Move::Claim);
    all += &no(&mut world, ONE, "tokens", Move::Claim);
    let wish = world.wish(TWO, &id("docs"), Move::Claim);
    let limited = Wish { gate: Gate { claims_per_agent_max: Some(1) }, ..wish };
    all += &told(&limited.decide(&world.shelf, world.now()).refused());
    insta::assert_snapshot!(all, @r#"
    blocked: session `2026-11-20-login` waits for 2026-11-20-auth (active), 2026-11-20-nobody (unknown)
      hint: git session next
      dependencies: ["2026-11-20-auth (active)", "2026-11-20-nobody (unknown)"]
      id: 2026-11-20-login
    overlap: session `2026-11-20-tokens` overlaps the active session `2026-11-20-auth` on `src/auth/tokens.rs` and `src/auth/**`
      hint: git session next
      globs: ["src/auth/tokens.rs", "src/auth/**"]
      id: 2026-11-20-tokens
      other: 2026-11-20-auth
    limit: `claude-2` holds 1 sessions already, the most it may
      hint: git session list --mine
      held: ["2026-11-20-auth"]
      id: 2026-11-20-docs
    "#);
}

#[test]
fn a_plan_that_is_not_complete_is_told_its_gaps_and_a_taken_id_that_it_is_taken() {
    let mut world = World::default();
    let empty = "# Session: s\n\n## Context\n\n<!-- say why -->\n".to_owned();
    let mut all = no(&mut world, ONE, "auth", Move::ReadyOwn(empty));
    all += &no(&mut world, ONE, "auth", Move::ReadyOwn("---\nowner: me\n---\n# s\n".to_owned()));
    world.planned(&id("auth"), "");
    all += &no(&mut world, ONE, "auth", Move::Create(plan("")));
    all += &no(&mut world, ONE, "auth", Move::Ready);
    insta::assert_snapshot!(all, @r#"
    plan_incomplete: the plan of session `2026-11-20-auth` is not complete: The section "Context" is empty: say what a newcomer has to know.; The section "Acceptance Criteria" has no criterion: add items such as "- [ ] It works.".
      hint: git session ready 2026-11-20-auth
      gaps: ["The section \"Context\" is empty: say what a newcomer has to know.", "The section \"Acceptance Criteria\" has no criterion: add items such as \"- [ ] It works.\"."]
      id: 2026-11-20-auth
    plan_incomplete: SESSION.md of session `2026-11-20-auth`: line 2: unknown field `owner`, expected one of `title`, `priority`, `requires`, `depends_on`, `scope`, `labels`, `estimate`, `lease`, `validation`, `task`, `parent`, `land`
      gaps: ["line 2: unknown field `owner`, expected one of `title`, `priority`, `requires`, `depends_on`, `scope`, `labels`, `estimate`, `lease`, `validation`, `task`, `parent`, `land`"]
      id: 2026-11-20-auth
    taken: session `2026-11-20-auth` is on the board already
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
    taken: session `2026-11-20-auth` is on the board already
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
    "#);
}

#[test]
fn work_is_not_complete_with_an_open_criterion_or_another_plan() {
    let mut world = World::default();
    world.planned(&id("auth"), "");
    world.does(ONE, &id("auth"), Move::Claim).won();
    let mut all = no(&mut world, ONE, "auth", Move::Complete(none(), Unmet::Refused, None));
    let active = git_session::domain::state::State::Active;
    world.shelf.put(active, &id("auth"), "SESSION.md", plan("priority: 9").as_bytes());
    for what in [
        Move::Complete(none(), Unmet::Recorded, None),
        Move::AwaitLanding(none()),
        Move::Publish(none()),
        Move::Renew,
        Move::Release(none()),
    ] {
        all += &no(&mut world, ONE, "auth", what);
    }
    // Whoever cannot go on must be able to stop.
    assert!(matches!(world.does(ONE, &id("auth"), Move::Abandon(none())), Said::Change(_)));
    insta::assert_snapshot!(all, @r#"
    criteria_open: session `2026-11-20-auth` has 2 criteria that are neither met nor dropped: AC-1: It works · AC-2: It is shown
      hint: git session criteria --session 2026-11-20-auth
      criteria: ["AC-1: It works", "AC-2: It is shown"]
      id: 2026-11-20-auth
    plan_changed: the plan of session `2026-11-20-auth` on the board is not the one that was claimed
      hint: git session restore-plan 2026-11-20-auth
      found: 5c8508e703e3dcfd2d3fcfdab7561f6ed3971753
      frozen: 778287b6ecdd855719db8402b43d22c08192d865
      id: 2026-11-20-auth
    plan_changed: the plan of session `2026-11-20-auth` on the board is not the one that was claimed
      hint: git session restore-plan 2026-11-20-auth
      found: 5c8508e703e3dcfd2d3fcfdab7561f6ed3971753
      frozen: 778287b6ecdd855719db8402b43d22c08192d865
      id: 2026-11-20-auth
    plan_changed: the plan of session `2026-11-20-auth` on the board is not the one that was claimed
      hint: git session restore-plan 2026-11-20-auth
      found: 5c8508e703e3dcfd2d3fcfdab7561f6ed3971753
      frozen: 778287b6ecdd855719db8402b43d22c08192d865
      id: 2026-11-20-auth
    plan_changed: the plan of session `2026-11-20-auth` on the board is not the one that was claimed
      hint: git session restore-plan 2026-11-20-auth
      found: 5c8508e703e3dcfd2d3fcfdab7561f6ed3971753
      frozen: 778287b6ecdd855719db8402b43d22c08192d865
      id: 2026-11-20-auth
    plan_changed: the plan of session `2026-11-20-auth` on the board is not the one that was claimed
      hint: git session restore-plan 2026-11-20-auth
      found: 5c8508e703e3dcfd2d3fcfdab7561f6ed3971753
      frozen: 778287b6ecdd855719db8402b43d22c08192d865
      id: 2026-11-20-auth
    "#);
}

#[test]
fn giving_back_and_giving_up_need_a_reason() {
    use git_session::domain::board::Stop;
    use git_session::domain::moves::{Abandonment, abandon, release};

    let mut world = World::default();
    world.planned(&id("auth"), "");
    world.does(ONE, &id("auth"), Move::Claim).won();
    let (caller, nonce, now) = (world.caller(ONE, &id("auth")), crate::world::nonce(9), world.now());
    let board = world.shelf.board();
    let wish = Abandonment { id: id("auth"), reason: "\n".to_owned(), report: String::new(), work: none() };
    let mut all = String::new();
    for said in
        [release(&board, &id("auth"), " ", &none(), &caller, &nonce, now), abandon(&board, &wish, &caller, &nonce, now)]
    {
        match said {
            Err(Stop::Refused(refusal)) => all += &told(&refusal),
            Err(Stop::Broken(broken)) => panic!("{broken}"),
            Ok(change) => panic!("allowed: {change:?}"),
        }
    }
    insta::assert_snapshot!(all, @r"
    no_reason: `release` needs a reason
      hint: git session release --reason 'why'
    no_reason: `abandon` needs a reason
      hint: git session abandon --reason 'why'
    ");
}
