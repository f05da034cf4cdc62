//! One suite, every store: every sentence of the ports in `src/store/`, held against the embedded
//! store, a real Redis, a cluster of three, and Valkey where it is installed, with two processes'
//! worth of stores on each. What only Redis can do, such as going away, follows in `outage`,
//! `degraded_redis`, `cluster`, `sentinel`, `tls` and `wire`.
//!
//! Valkey is the `valkey-server` of the PATH, or the program that `VALKEY_SERVER` names.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "in a test, what must not fail may panic"
)]

use std::time::Duration;

#[path = "store_conformance/announcements.rs"]
mod announcements;
#[path = "store_conformance/approvals.rs"]
mod approvals;
#[path = "store_conformance/audit.rs"]
mod audit;
#[path = "store_conformance/bench.rs"]
mod bench;
#[path = "store_conformance/cluster.rs"]
mod cluster;
#[path = "store_conformance/degraded_redis.rs"]
mod degraded_redis;
#[path = "store_conformance/expiry.rs"]
mod expiry;
#[path = "store_conformance/foreign_inbox.rs"]
mod foreign_inbox;
#[path = "store_conformance/holds.rs"]
mod holds;
#[path = "store_conformance/idempotency.rs"]
mod idempotency;
#[path = "store_conformance/inbox.rs"]
mod inbox;
#[path = "store_conformance/journal.rs"]
mod journal;
#[path = "store_conformance/leases.rs"]
mod leases;
#[path = "store_conformance/outage.rs"]
mod outage;
#[path = "store_conformance/quotas.rs"]
mod quotas;
#[path = "store_conformance/run_index.rs"]
mod run_index;
#[path = "store_conformance/sentinel.rs"]
mod sentinel;
#[path = "store_conformance/sessions.rs"]
mod sessions;
#[path = "store_conformance/spending.rs"]
mod spending;
#[path = "store_conformance/tls.rs"]
mod tls;
#[path = "store_conformance/wire.rs"]
mod wire;

/// Fails the test if it takes longer than anything here should.
async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), test).await.expect("the test came to its end")
}

/// Runs each check against each store.
macro_rules! for_each_store {
    ($($area:ident: [$($check:ident,)+])+) => {
        for_each_store!(@store memory; $($area: [$($check,)+])+);
        for_each_store!(@store redis; $($area: [$($check,)+])+);
        for_each_store!(@store on_cluster; $($area: [$($check,)+])+);
        for_each_store!(@store valkey; $($area: [$($check,)+])+);
    };
    (@store $store:ident; $($area:ident: [$($check:ident,)+])+) => {
        mod $store {
            $(mod $area {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    if let Some(bench) = crate::bench::Bench::$store() {
                        crate::within(crate::$area::$check(bench)).await;
                    }
                })+
            })+
        }
    };
}

for_each_store! {
    journal: [
        every_form_of_entry_reads_back_as_it_was_written,
        an_append_needs_to_know_the_last_id,
        an_append_to_a_journal_that_is_not_there_says_so,
        entries_out_of_order_are_refused_whole,
        a_repeated_append_succeeds_and_writes_nothing,
        a_repeated_append_fails_once_another_owner_has_gone_on,
        an_append_that_differs_is_not_a_repetition,
        of_concurrent_appenders_one_wins,
        reading_starts_after_an_id_and_stops_at_the_limit,
        the_newest_entries_come_oldest_first,
        a_glimpse_reads_no_more_than_the_beginning_of_each_entry,
        only_exact_ids_are_held,
        a_journal_that_does_not_exist_is_empty,
        of_many_sessions_those_without_a_journal_are_named,
        a_reader_that_would_miss_what_was_cut_is_told,
        a_follower_is_woken_by_an_append_of_any_process,
        followers_of_one_session_are_independent,
        following_and_leaving_in_turns_misses_nothing,
        who_follows_first_and_reads_then_sees_every_entry,
    ]
    sessions: [
        a_registered_session_is_known_to_every_process,
        a_list_is_newest_first_and_pages_without_gaps_or_repeats,
        the_newest_that_had_begun_by_an_event_are_found_without_the_rest,
        callers_with_colliding_names_do_not_see_each_other,
        registering_twice_lists_once,
        a_conversation_is_remembered_in_order_and_by_run,
        what_a_run_said_is_replaced_not_repeated,
        a_conversation_keeps_its_newest_fifty_runs,
        conversations_belong_to_one_user_of_one_tenant,
        a_cancel_is_kept_and_told,
    ]
    idempotency: [
        the_first_claim_stands_for_every_process,
        a_repeated_claim_is_won_again,
        of_twenty_claims_one_is_won,
        only_from_the_session_that_was_withdrawn_a_key_is_taken_over,
        a_key_is_freed_unless_somebody_wants_its_session,
        a_key_is_not_taken_over_from_a_session_that_has_begun,
        what_was_wanted_of_a_withdrawn_session_says_nothing_of_the_next,
        callers_have_keys_of_their_own_whatever_they_are_called,
    ]
    approvals: [
        opening_stores_everything_and_listens,
        opening_forgets_the_signal_of_an_earlier_request,
        a_signal_reaches_only_those_who_watch_its_session,
        watching_twice_is_watching_once,
        who_leaves_hears_nothing_more,
        leaving_and_watching_in_turns_misses_nothing,
        a_published_signal_is_stored_as_well,
        a_stored_signal_is_not_published,
        an_absurdly_long_signal_is_not_passed_on,
        a_saved_request_replaces_the_stored_one,
        saving_does_not_bring_back_a_request_that_is_gone,
        votes_come_in_the_order_asked_for,
        a_request_that_was_seen_is_read_again_only_once_somebody_has_changed_it,
        of_fifty_deciders_one_wins_and_all_are_told,
        a_request_without_a_decision_has_none,
        what_is_no_decision_gives_way_to_the_first_who_says_so,
        every_yes_is_noted_once,
        many_requests_and_decisions_come_in_the_order_asked_for,
        a_checkpoint_is_replaced,
    ]
    announcements: [
        a_session_that_is_queued_is_due_in_every_process_and_for_its_recipient_only,
        of_twenty_who_take_one_gets_the_turn_until_it_runs_out,
        who_has_lost_its_turn_changes_nothing,
        what_was_told_is_known_to_the_next_and_never_less,
        what_is_done_leaves_the_queue_and_is_remembered,
        what_is_queued_anew_while_somebody_is_at_it_does_not_leave,
        a_pause_after_a_failure_is_kept_and_failures_and_looks_are_counted,
        a_failure_is_forgotten_once_something_was_told,
        the_queue_tells_how_long_it_is_and_when_the_next_is_due,
    ]
    inbox: [
        what_is_noted_reads_back_in_every_process,
        what_waits_and_what_is_decided_are_listed_newest_first,
        an_inbox_pages_without_gaps_or_repeats,
        a_request_only_moves_on_and_each_step_is_told_once,
        what_counts_for_nothing_gives_way_however_far_it_says_it_has_come,
        a_decision_is_noted_of_a_request_that_was_not_and_both_are_told,
        changes_have_ascending_ids_and_are_read_from_any_of_them,
        a_reader_of_changes_that_are_not_kept_is_told,
        a_follower_of_an_inbox_is_woken_by_any_process,
        an_inbox_is_its_tenants_alone_whatever_they_are_called,
        what_is_dropped_is_not_listed_and_can_be_noted_again,
        what_was_decided_a_week_ago_is_not_listed,
    ]
    leases: [
        a_lease_that_has_run_out_is_claimed_once,
        a_renewed_lease_is_not_claimed,
        a_released_lease_is_claimed_at_once_and_everybody_is_told,
        the_lease_of_a_run_that_is_over_is_gone,
        who_has_no_lease_is_given_one_and_every_other_lease_stays,
        no_more_is_claimed_than_asked_for,
        of_several_claimants_one_gets_each_run,
        nothing_is_no_trouble,
    ]
    quotas: [
        of_many_starts_at_once_as_many_are_granted_as_may_be,
        each_user_of_each_tenant_starts_as_often,
        no_more_runs_of_a_user_or_a_tenant_are_live_than_may_be,
        of_many_runs_at_once_as_many_are_live_as_may_be,
        a_start_that_is_refused_for_what_is_live_costs_nothing_of_the_rate,
        no_more_requests_wait_than_may_and_with_so_many_nothing_starts,
        more_that_has_ended_than_is_looked_at_once_makes_no_limit_stay_full,
        no_user_reads_more_streams_than_may_be_over_all_processes,
    ]
    holds: [
        a_hold_is_what_every_process_reads_until_it_is_lifted,
        every_process_is_told_of_what_any_puts_and_lifts,
        a_hold_is_sealed_anew_only_as_long_as_it_is_what_was_read,
        there_are_no_more_holds_than_may_be_and_each_can_be_replaced,
    ]
    run_index: [
        runs_of_all_tenants_are_listed_as_they_were_started,
        the_list_of_runs_pages_without_gaps_or_repeats,
        of_live_runs_those_are_listed_that_somebody_looks_after,
    ]
    spending: [
        what_every_process_spends_adds_up,
        of_many_who_spend_at_once_nobody_is_forgotten,
        a_total_stops_at_its_end_and_is_never_refused,
        tenants_and_days_have_budgets_of_their_own,
    ]
    audit: [
        facts_make_a_chain_in_the_order_of_their_recording,
        two_processes_that_record_at_once_make_one_whole_chain,
        a_repeated_recording_can_be_told_by_its_fact_id,
        a_page_starts_after_a_number_and_ends_at_the_limit,
        tenants_have_chains_of_their_own_whatever_they_are_called,
        a_tenant_without_facts_has_an_empty_stream,
        who_stops_waiting_harms_nobody_else,
    ]
}
