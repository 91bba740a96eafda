//! One suite of stories about a remote, told of every kind of server and by both transports.
#![allow(clippy::disallowed_methods, reason = "tests start programs, ask the time and read the environment")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod basics;
mod lost;
mod objects;
mod others;
mod races;
mod refusals;
mod urls;

use git_session::remote::Transport;
use support::world::{Kind, World};

/// Tells one story, unless the machine lacks the server for it.
fn tell(kind: Kind, transport: Transport, story: fn(&World)) {
    if let Some(world) = World::new(kind, transport) {
        story(&world);
    }
}

/// A module for each kind of server and transport, with a test for each story.
macro_rules! stories {
    ($($module:ident = $kind:ident by $transport:ident: $($file:ident :: $story:ident),+ $(,)?;)+) => {
        $(mod $module {
            $(#[test]
            fn $story() {
                super::tell(super::Kind::$kind, super::Transport::$transport, super::$file::$story);
            })+
        })+
    };
}

stories! {
    path_by_pipe = Path by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        basics::a_server_that_reads_to_the_very_end_is_not_kept_waiting,
        races::a_rival_that_landed_before_wins,
        races::a_rival_that_lands_while_we_push_wins,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::a_ref_that_is_gone_is_not_made_again,
        races::the_same_push_again_has_landed,
        races::a_ref_that_moves_while_we_delete_it_stays,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_is_stale,
        races::of_two_refs_neither_moves_when_one_moves_meanwhile,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        refusals::a_held_lock_is_busy,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        refusals::a_server_that_is_not_there_is_offline,
        lost::a_lost_reply_is_unknown_and_looking_tells,
        lost::a_server_that_dies_first_is_unknown_too,
        lost::a_server_that_never_speaks_is_offline,
        lost::a_server_that_hangs_over_a_request_is_unknown,
        refusals::two_refs_are_not_sent_to_a_server_that_cannot_move_them_as_one,
        refusals::objects_that_we_do_not_have_are_not_pushed,
        refusals::somebody_elses_repository_is_denied,
        refusals::a_folder_that_is_no_repository_is_denied,
        refusals::a_remote_that_is_not_configured_is_a_fault,
        objects::twenty_fetch_at_once,
        objects::a_shallow_clone_takes_part,
        objects::a_fetch_follows_a_ref_that_was_rewound,
        objects::an_old_connection_does_not_lose_a_race_that_was_won,
        urls::reading_and_pushing_may_lead_to_different_places,
        urls::configured_server_programs_are_used,
        races::of_many_creators_one_wins,
        lost::a_slow_hook_after_the_report_does_not_undo_it,
        races::no_acknowledged_push_is_lost,
        refusals::another_object_format_is_a_fault;
    path_by_git = Path by Git:
        basics::a_ref_is_created_moved_and_deleted,
        basics::a_server_that_reads_to_the_very_end_is_not_kept_waiting,
        races::a_rival_that_landed_before_wins,
        races::a_rival_that_lands_while_we_push_wins,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::a_ref_that_is_gone_is_not_made_again,
        races::the_same_push_again_has_landed,
        races::a_ref_that_moves_while_we_delete_it_stays,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_is_stale,
        races::of_two_refs_neither_moves_when_one_moves_meanwhile,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        refusals::a_held_lock_is_busy,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        refusals::a_server_that_is_not_there_is_offline,
        lost::a_lost_reply_is_unknown_and_looking_tells,
        lost::a_server_that_dies_first_is_unknown_too,
        lost::a_server_that_never_speaks_is_offline,
        lost::a_server_that_hangs_over_a_request_is_unknown,
        refusals::two_refs_are_not_sent_to_a_server_that_cannot_move_them_as_one,
        refusals::objects_that_we_do_not_have_are_not_pushed,
        refusals::somebody_elses_repository_is_denied,
        refusals::a_folder_that_is_no_repository_is_denied,
        refusals::a_remote_that_is_not_configured_is_a_fault,
        objects::twenty_fetch_at_once,
        objects::a_shallow_clone_takes_part,
        objects::a_fetch_follows_a_ref_that_was_rewound,
        objects::an_old_connection_does_not_lose_a_race_that_was_won,
        urls::reading_and_pushing_may_lead_to_different_places,
        urls::configured_server_programs_are_used,
        races::no_acknowledged_push_is_lost_by_few;
    file_by_pipe = File by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_landed_before_wins,
        races::a_rival_that_lands_while_we_push_wins,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::a_ref_that_is_gone_is_not_made_again,
        races::the_same_push_again_has_landed,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_is_stale,
        races::of_two_refs_neither_moves_when_one_moves_meanwhile,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        refusals::a_held_lock_is_busy,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        refusals::a_server_that_is_not_there_is_offline,
        lost::a_lost_reply_is_unknown_and_looking_tells,
        lost::a_server_that_dies_first_is_unknown_too;
    file_by_git = File by Git:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_lands_while_we_push_wins,
        races::a_ref_that_is_gone_is_not_made_again,
        races::two_refs_move_as_one,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        refusals::a_server_that_is_not_there_is_offline,
        lost::a_lost_reply_is_unknown_and_looking_tells;
    non_bare_by_pipe = NonBare by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_lands_while_we_push_wins,
        races::a_ref_that_is_gone_is_not_made_again,
        races::two_refs_move_as_one,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users;
    checked_out_by_pipe = CheckedOut by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_landed_before_wins,
        races::a_ref_that_is_gone_is_not_made_again,
        races::two_refs_move_as_one,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users;
    ssh_by_pipe = Ssh by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_lands_while_we_push_wins,
        races::of_two_refs_neither_moves_when_one_moves_meanwhile,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        refusals::a_server_that_is_not_there_is_offline,
        lost::a_lost_reply_is_unknown_and_looking_tells,
        lost::a_server_that_dies_first_is_unknown_too,
        lost::a_server_that_never_speaks_is_offline,
        lost::a_server_that_hangs_over_a_request_is_unknown,
        refusals::a_key_or_host_that_ssh_does_not_take_is_offline_with_its_words;
    ssh_by_git = Ssh by Git:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_lands_while_we_push_wins,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        refusals::a_server_that_is_not_there_is_offline,
        lost::a_lost_reply_is_unknown_and_looking_tells,
        lost::a_server_that_never_speaks_is_offline,
        lost::a_server_that_hangs_over_a_request_is_unknown;
    ssh_alias_by_pipe = SshAlias by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        refusals::a_path_that_is_not_there_behind_ssh_is_denied;
    http_basic = HttpBasic by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_landed_before_wins,
        races::a_rival_that_lands_while_we_push_wins,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::a_ref_that_is_gone_is_not_made_again,
        races::the_same_push_again_has_landed,
        races::a_ref_that_moves_while_we_delete_it_stays,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_is_stale,
        races::of_two_refs_neither_moves_when_one_moves_meanwhile,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        refusals::a_held_lock_is_busy,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        refusals::a_server_that_is_not_there_is_offline,
        lost::a_lost_reply_is_unknown_and_looking_tells,
        lost::a_server_that_dies_first_is_unknown_too,
        lost::a_server_that_never_speaks_is_offline,
        lost::a_server_that_hangs_over_a_request_is_unknown,
        refusals::a_forbidden_push_is_denied,
        lost::a_lost_response_is_unknown_and_looking_tells,
        lost::a_request_that_curl_repeats_has_landed,
        lost::a_request_that_curl_repeats_is_no_lost_race,
        lost::a_gateways_error_is_unknown,
        refusals::a_wrong_password_is_denied,
        refusals::an_untrusted_certificate_is_denied,
        refusals::two_refs_are_not_sent_to_a_server_that_cannot_move_them_as_one,
        objects::twenty_fetch_at_once,
        objects::a_shallow_clone_takes_part,
        races::no_acknowledged_push_is_lost_by_few;
    http_header = HttpHeader by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_lands_while_we_push_wins,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users;
    local = Local by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_landed_before_wins,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::a_ref_that_is_gone_is_not_made_again,
        races::the_same_push_again_has_landed,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_is_stale,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        refusals::a_held_lock_is_busy,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        races::no_acknowledged_push_is_lost_by_few,
        races::of_many_creators_one_wins,
        lost::a_killed_swap_is_looked_at_again;
    // Only where GIT_SESSION_OTHER_SERVERS=1 asks for them.
    gitolite_by_pipe = Gitolite by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_landed_before_wins,
        races::a_rival_that_lands_while_we_push_wins,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::a_ref_that_is_gone_is_not_made_again,
        races::the_same_push_again_has_landed,
        races::a_ref_that_moves_while_we_delete_it_stays,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_is_stale,
        races::of_two_refs_neither_moves_when_one_moves_meanwhile,
        races::no_acknowledged_push_is_lost_by_few,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        refusals::a_held_lock_is_busy,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        objects::a_shallow_clone_takes_part,
        lost::a_lost_reply_is_unknown_and_looking_tells,
        lost::a_server_that_dies_first_is_unknown_too,
        others::gitolite_refuses_by_its_rules_and_in_its_own_words,
        others::gitolite_denies_whoever_may_only_read;
    gitolite_by_git = Gitolite by Git:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_lands_while_we_push_wins,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_moves_meanwhile,
        refusals::a_refusing_hook_is_busy_and_its_words_are_passed_on,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        lost::a_lost_reply_is_unknown_and_looking_tells;
    // What dulwich does as git does; its races are in `others`.
    dulwich_path_by_pipe = DulwichPath by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::a_ref_that_is_gone_is_not_made_again,
        races::the_same_push_again_has_landed,
        races::two_refs_move_as_one,
        races::of_two_refs_neither_moves_when_one_is_stale,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        others::dulwich_acknowledges_a_lost_race,
        others::dulwich_moves_one_of_two,
        others::dulwich_hangs_up_on_a_refusal,
        others::dulwich_hangs_up_on_a_held_lock;
    dulwich_path_by_git = DulwichPath by Git:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_landed_before_wins,
        races::two_refs_move_as_one,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users;
    dulwich_ssh_by_pipe = DulwichSsh by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        others::dulwich_acknowledges_a_lost_race;
    dulwich_http = DulwichHttp by Auto:
        basics::a_ref_is_created_moved_and_deleted,
        races::a_rival_that_landed_before_wins,
        races::a_ref_that_must_not_exist_is_not_overwritten,
        races::the_same_push_again_has_landed,
        races::two_refs_move_as_one,
        objects::a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users,
        objects::a_walk_pushes_the_users_own_commits,
        objects::a_journals_pack_is_pushed_as_it_is,
        objects::head_is_known_by_reading,
        others::dulwich_hangs_up_on_a_refusal;
}
