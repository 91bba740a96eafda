//! The stages around a move: which there are, and in which order (02 §8).
//!
//! Deliberately not here: what is run at a stage, and whether anybody trusts it.

/// The moves that a commit with this event makes, as stages are named after them, when `verb` was asked for. None for
/// what is no move of a session.
///
/// An event that is not named here is the verb's own, so a new move has its stages without a line here. A session that
/// is new on the board and planned at once was created and made ready.
pub fn moves_of(event: &str, verb: &str) -> Vec<String> {
    let verb = verb.split(' ').next().unwrap_or_default();
    let own = match event {
        "initialized" | "landed" => return Vec::new(),
        // Of repairs, only that of a plan is a move of a session.
        "repaired" if verb != "restore-plan" => return Vec::new(),
        "created" => "create",
        "ready" => "ready",
        "unready" => "unready",
        "claimed" => "claim",
        "renewed" => "renew",
        "published" => "publish",
        // A checkpoint publishes, and a fork creates.
        "checkpointed" => return vec!["publish".to_owned(), "checkpoint".to_owned()],
        "forked" => "create",
        "released" => "release",
        "taken_over" => "takeover",
        // Offering the branch for a merge is the first half of completing.
        "landing" | "completed" => "complete",
        "abandoned" => "abandon",
        _ => verb,
    };
    let own = own.replace('-', "_");
    if verb == "new" && own != "create" { vec!["create".to_owned(), own] } else { vec![own] }
}

/// The stages before the swap, in order. A session that is created has not been loaded.
pub fn before(moves: &[String]) -> Vec<String> {
    let load = (!moves.iter().any(|one| one == "create")).then(|| "after_load".to_owned());
    let each = moves.iter().map(|one| format!("before_{one}"));
    load.into_iter().chain(each).chain(["before_save".to_owned()]).collect()
}

/// The stages after the swap, in order.
pub fn after(moves: &[String]) -> Vec<String> {
    let each = moves.iter().map(|one| format!("after_{one}"));
    ["after_save".to_owned()].into_iter().chain(each).collect()
}

#[cfg(test)]
mod tests {
    use super::{after, before, moves_of};
    use crate::domain::change::Event;

    #[test]
    fn each_move_has_its_stages_in_order() {
        for (event, verb, stages) in [
            (Event::Claimed.as_str(), "claim --next", "after_load before_claim before_save | after_save after_claim"),
            (
                Event::TakenOver.as_str(),
                "takeover",
                "after_load before_takeover before_save | after_save after_takeover",
            ),
            (Event::Created.as_str(), "new", "before_create before_save | after_save after_create"),
            (
                Event::Ready.as_str(),
                "new",
                "before_create before_ready before_save | after_save after_create after_ready",
            ),
            (Event::Ready.as_str(), "ready", "after_load before_ready before_save | after_save after_ready"),
            (
                Event::Checkpointed.as_str(),
                "checkpoint",
                "after_load before_publish before_checkpoint before_save | after_save after_publish after_checkpoint",
            ),
            (Event::Forked.as_str(), "fork", "before_create before_save | after_save after_create"),
            (Event::Landing.as_str(), "complete", "after_load before_complete before_save | after_save after_complete"),
            ("handed_off", "handoff", "after_load before_handoff before_save | after_save after_handoff"),
            ("overridden", "override", "after_load before_override before_save | after_save after_override"),
            ("repaired", "restore-plan", "after_load before_restore_plan before_save | after_save after_restore_plan"),
        ] {
            let moves = moves_of(event, verb);
            assert_eq!(format!("{} | {}", before(&moves).join(" "), after(&moves).join(" ")), stages);
        }
        for event in [Event::Initialized, Event::Repaired, Event::Landed] {
            assert!(moves_of(event.as_str(), "doctor --fix").is_empty());
        }
    }
}
