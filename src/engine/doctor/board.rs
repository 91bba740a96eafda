//! The board's invariants, session by session.

use super::{Diagnosis, Finding, Remedy, Severity};
use crate::domain::board::{Board, Broken, Shelf};
use crate::domain::id::SessionId;
use crate::domain::moves;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::engine::look::Life;
use crate::engine::{Core, Error, Tampering, Tip};
use crate::store::CommitShelf;

impl Core {
    pub(super) fn check_board(&self, tip: &Tip, diagnosis: &mut Diagnosis) -> Result<(), Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let findings = &mut diagnosis.findings;
        let board = match Board::read(&shelf) {
            Ok(board) => board,
            Err(broken) => {
                findings.push(Finding::of_broken(&broken));
                return Ok(());
            }
        };
        findings.extend(self.skewed(tip).map(|message| Finding::new("clock_skew", Severity::Warning, message)));
        for state in State::ALL {
            for (name, mode) in shelf.entries(state)? {
                match name.parse::<SessionId>() {
                    Ok(id) => {
                        diagnosis.sessions += 1;
                        check_session(&board, &shelf, tip, state, &id, &mut diagnosis.findings);
                        if let Ok(Some(record)) = shelf.record(state, &id) {
                            let files = shelf.files(state, &id).unwrap_or_default();
                            let plan = files.into_iter().find(|(path, ..)| path == "SESSION.md");
                            let found = self.tampering_at(&id, state, &record, plan.map(|(.., blob)| blob), tip)?;
                            diagnosis.findings.extend(found.map(|found| plan_changed(&id, &found)));
                        }
                    }
                    Err(_) if name == ".gitkeep" => {}
                    Err(_) => {
                        let path = format!("{}/{state}/{}", tip.whereabouts.layout.root(), name.escape_debug());
                        let severity =
                            if mode == 0o120_000 || mode == 0o160_000 { Severity::Error } else { Severity::Warning };
                        let finding = Finding::new("strange_entry", severity, "is no session's folder");
                        diagnosis.findings.push(finding.at(path));
                    }
                }
            }
        }
        check_lines(&board, tip, &mut diagnosis.findings);
        Ok(())
    }
}

fn check_session(
    board: &Board<'_>,
    shelf: &CommitShelf<'_>,
    tip: &Tip,
    state: State,
    id: &SessionId,
    findings: &mut Vec<Finding>,
) {
    let folder = tip.whereabouts.layout.folder(state, id);
    // What is in the folder cannot be told from what is wrong with the folder.
    if let Err(broken) = shelf.files(state, id) {
        findings.push(Finding::of_broken(&broken));
        return;
    }
    let standing = board.standing(id);
    if let Err(broken) = &standing {
        findings.push(mendable(board, state, id, broken));
    }
    match shelf.plan(state, id) {
        Ok(Some(_)) => {}
        Ok(None) => {
            findings.push(Finding::new("no_plan", Severity::Error, "has no SESSION.md").about(id).at(folder.clone()));
        }
        Err(broken) => findings.push(Finding::of_broken(&broken)),
    }
    let record = match shelf.record(state, id) {
        Ok(record) => record,
        Err(broken) => {
            findings.push(Finding::of_broken(&broken));
            return;
        }
    };
    if state == State::Active {
        check_active(tip, id, record.as_ref(), &folder, findings);
    }
}

/// An active session without a lock line: its claim says when the line should have been written.
fn mendable(board: &Board<'_>, state: State, id: &SessionId, broken: &Broken) -> Finding {
    let finding = Finding::of_broken(broken);
    let claim = board.shelf().record(state, id).ok().flatten().and_then(|record| record.claim);
    match (broken.code, claim) {
        ("lock_missing", Some(claim)) => {
            finding.safely("add the line that its claim says", Remedy::AddLine(id.clone(), claim.claimed_at.unix()))
        }
        ("twice_placed", _) => {
            finding.by_hand("decide which of the two folders is right, and remove the other by a commit")
        }
        _ => finding,
    }
}

fn check_active(tip: &Tip, id: &SessionId, record: Option<&Record>, folder: &str, findings: &mut Vec<Finding>) {
    let Some(claim) = record.and_then(|record| record.claim.as_ref()) else {
        findings.push(
            Finding::new(
                "no_claim",
                Severity::Warning,
                "is active, but no record says who holds it: a shell script's claim",
            )
            .about(id)
            .at(folder.to_owned())
            .by_hand("ask whoever claimed it, or wait until its lease has expired"),
        );
        return;
    };
    match Life::of(claim, tip.now) {
        Life::Alive | Life::Quiet => {}
        Life::Expired => findings.push(
            Finding::new(
                "lease_expired",
                Severity::Warning,
                format!("`{}` has shown no sign of life since {}", claim.agent, moves::when(claim.renewed_at, tip.now)),
            )
            .about(id),
        ),
    }
}

/// A frozen plan that is another, with who did that.
pub(super) fn plan_changed(id: &SessionId, tampering: &Tampering) -> Finding {
    Finding::new("plan_changed", Severity::Error, tampering.to_string())
        .about(id)
        .at(tampering.path.clone())
        .by_hand(format!("git session restore-plan {id}"))
}

/// Lock lines that no active session stands behind.
fn check_lines(board: &Board<'_>, tip: &Tip, findings: &mut Vec<Finding>) {
    let path = tip.whereabouts.layout.lock();
    let lines = board.lock().iter().chain(board.old_lock().into_iter().flat_map(|lock| lock.iter()));
    for (id, since) in lines {
        let since =
            Timestamp::from_unix(since).map_or_else(|| "an unreadable time".to_owned(), |time| time.to_string());
        let Ok(place) = board.place(id) else { continue };
        let finding = match place {
            Some(State::Active) => continue,
            Some(State::Planned) => Finding::new(
                "half_claimed",
                Severity::Warning,
                format!("has a lock line since {since} but is planned: a shell script's claim that is not finished"),
            )
            .by_hand("held by somebody unknown; free once its lease has expired and somebody takes it over"),
            Some(state @ (State::Completed | State::Abandoned)) => Finding::new(
                "line_left",
                Severity::Error,
                format!("is {state} but still has a lock line since {since}"),
            )
            .safely("remove the line", Remedy::RemoveLine(id.clone())),
            Some(State::Drafting) => {
                Finding::new("line_of_draft", Severity::Error, format!("is a draft but has a lock line since {since}"))
                    .by_hand("find out who wrote the line")
            }
            None => {
                Finding::new("line_of_nothing", Severity::Error, format!("has a lock line since {since} but no folder"))
                    .by_hand("find out who wrote the line; if nobody did, remove it by a commit")
            }
        };
        findings.push(finding.about(id).at(path.clone()));
    }
    if let Some(old) = board.old_lock() {
        findings.push(
            Finding::new(
                "old_lock",
                Severity::Note,
                format!("the older lock file is still there, with {} lines; every claim is written to both", old.len()),
            )
            .at(crate::domain::layout::Layout::OLD_LOCK)
            .safely("move its lines into the lock file and remove it", Remedy::RetireOldLock),
        );
    }
}
