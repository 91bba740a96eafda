//! What can be wrong with a step of the board's history: a stable code each, how bad it is, and what to do.

use super::super::severity::flaws;

flaws! {
    /// What is wrong with one step of the history.
    Flaw
    /// A move that the rules do not have: from where the session stood to where it stands.
    IllegalMove "illegal_move" Error "find out who made the commit and with which program; decide which state is right, and restore it by a commit",
    /// A move of a held session by somebody who does not hold it.
    NotHolder "not_holder" Error "the claim before it still counts: ask both agents what they did",
    /// A claim's number is not the next.
    Epoch "epoch" Error "a claim was lost or made up: compare the session's history with its record",
    /// A nonce that an earlier commit had.
    NonceReused "nonce_reused" Error "one of the two commits is a copy of the other: find out who made it",
    /// The record does not say what the commit's trailers say.
    RecordDisagrees "record_disagrees" Error "the commit was not made by this program as it is: find out who made it",
    /// A record that was changed without a move.
    RecordEdited "record_edited" Error "put the record back as the commit before has it, and make the move instead",
    /// A claim that was changed without a claim.
    ClaimChanged "claim_changed" Error "put the claim back as the commit before has it",
    /// The plan of a session that is or was claimed was changed without an override.
    PlanChanged "plan_changed" Error "git session restore-plan puts the claimed text back",
    /// A session that has ended was moved or changed.
    EndedChanged "ended_changed" Error "put it back as the commit before has it; plan a new session for further work",
    /// One session landed twice.
    LandedTwice "landed_twice" Error "look at both commits: one of them may have to be reverted on the base branch",
    /// A session is completed, and what landed is not on the base branch.
    NotLanded "not_landed" Error "its work is in its patch: find out what became of the base branch",
    /// A completed session has no patch, or another than its record says.
    PatchMissing "patch_missing" Error "bring the patch back from the commit that completed the session",
    /// A held session was moved by hand.
    MovedByHand "moved_by_hand" Error "ask the holder; move it back, and let the holder release or complete it",
    /// A move that changes another session too.
    StrangeChange "strange_change" Error "put the other session back as the commit before has it",
    /// Trailers that are not all there.
    BadTrailers "bad_trailers" Error "the commit was not made by this program: find out who made it",
    /// A session in two state folders.
    TwicePlaced "twice_placed" Error "decide which of the two folders is right, and remove the other by a commit",
    /// An active session lost its lock line.
    LockMissing "lock_missing" Error "git session doctor --fix adds the line that its claim says",
    /// An ended session has a lock line.
    LineLeft "line_left" Error "git session doctor --fix removes it",
    /// A draft has a lock line.
    LineOfDraft "line_of_draft" Error "find out who wrote the line",
    /// There is a lock line and no session.
    LineOfNothing "line_of_nothing" Error "find out who wrote the line; if nobody did, remove it by a commit",
    /// A move wrote another lock line than its own, or a wrong one.
    LineDisagrees "line_disagrees" Error "put the line back as the commit before has it",
    /// This program wrote the lock file unsorted.
    LockUnsorted "lock_unsorted" Error "the commit was not made by this program as it is: find out who made it",
    /// The lock file cannot be read; two lines of one session are a way to that.
    BadLock "bad_lock" Error "put the lines back as the commit before has them",
    /// A record that cannot be read.
    BadRecord "bad_record" Error "put the record back as the commit before has it",
    /// The archive cannot be read.
    BadArchive "bad_archive" Error "put the lines back as the commit before has them",
    /// A line of the archive was changed by something else than an archiving.
    ArchiveChanged "archive_changed" Error "put the line back as the commit before has it",
    /// The whole root went.
    RootGone "root_gone" Error "bring it back from the commit before, or point to where the board is now",
    /// An event that this version does not know.
    UnknownEvent "unknown_event" Warning "a newer version may have made it: update this program",
    /// A record that did not come from a move.
    RecordByHand "record_by_hand" Warning "records are the program's to write: remove it and use `git session ready`",
    /// A session that nobody had claimed was ended by hand.
    EndedByHand "ended_by_hand" Warning "fine if it was meant: its record does not say how it ended",
    /// An ended session was removed by hand.
    EndedRemoved "ended_removed" Warning "fine if it was meant; `git revert` brings it back",
    /// The time on a lock line was changed by hand.
    LineChanged "line_changed" Warning "ask whoever made the commit why",
    /// A shell script's line without its move.
    HalfClaimed "half_claimed" Note "held by somebody unknown until the folder has moved or the line is gone",
    /// A shell script's claim: active without a claim in a record.
    NoClaim "no_claim" Note "nothing: this is how shell scripts claim",
    /// A shell script's session moved on by hand.
    ScriptMove "script_move" Note "nothing: this is how shell scripts end and give back",
}
