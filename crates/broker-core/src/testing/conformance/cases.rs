//! The list of all cases, and the tests it becomes.

/// One test of every case for a [`StoreUnderTest`](crate::testing::conformance::StoreUnderTest). The crate that uses it
/// needs tokio with `macros` and `rt`.
#[macro_export]
macro_rules! store_conformance {
    ($store:ty) => {
        $crate::store_conformance!(@theme $store, claims:
            a_claim_hands_out_the_refresh_token_and_the_grant_before_it,
            of_many_claims_one_is_granted,
            a_claim_moves_the_grant_out_of_the_due_range,
            a_claim_of_an_old_generation_learns_the_newer_one,
            only_an_active_grant_with_a_refresh_token_is_claimed,
            presentations_are_numbered_within_a_generation,
            an_undecided_grant_is_not_claimed_before_its_time,
            a_claim_of_another_epoch_is_refused_and_changes_nothing,
            a_claim_learns_when_its_token_was_sent_before,
            claims_of_many_grants_at_once_are_judged_one_by_one,
            a_claim_that_cannot_be_written_fails_alone,
        );
        $crate::store_conformance!(@theme $store, sent:
            sent_is_marked_once_and_only_on_an_open_attempt,
            a_claimed_refresh_token_with_a_successor_is_never_sent,
            the_grace_counts_from_the_first_time_the_token_was_sent,
            what_was_provably_unsent_does_not_begin_the_grace,
            every_refresh_token_has_a_grace_of_its_own,
            a_grace_that_is_over_does_not_hide_that_an_attempt_was_overtaken,
        );
        $crate::store_conformance!(@theme $store, adoptions:
            a_first_consent_makes_the_grant,
            a_refresh_makes_the_next_generation,
            an_answer_is_adopted_once,
            an_answer_is_adopted_after_its_attempt_was_closed,
            a_late_answer_revives_a_grant_given_up,
            an_answer_of_a_replaced_lineage_is_superseded,
            an_answer_of_a_passed_generation_is_superseded,
            a_new_lineage_learns_that_the_grant_has_moved,
            a_sent_refresh_of_the_old_lineage_does_not_block_the_new_one,
            a_later_consent_stands,
            an_answer_without_refresh_token_keeps_the_old_one,
            a_new_lineage_without_refresh_token_drops_the_old_one,
            a_base_url_is_kept_within_a_lineage,
            a_consent_passes_an_open_refresh,
            a_refresh_leaves_a_running_exchange_alone,
            an_adoption_that_does_not_fit_its_attempt_is_refused,
        );
        $crate::store_conformance!(@theme $store, mints:
            mints_that_must_wait_hide_no_others,
            what_tokens_are_minted_of_is_kept,
            a_mint_is_taken_by_one_and_kept,
            a_failed_mint_is_due_again_later,
            a_mint_whose_replica_died_is_taken_by_another,
            a_mint_that_is_wanted_is_due_at_once,
            nothing_of_a_replaced_credential_is_kept,
            a_mint_of_another_tenant_is_not_taken,
            a_registration_that_is_minted_of_is_not_deleted,
            a_minted_token_is_resealed_unless_another_is_minted,
            a_mint_is_recorded,
        );
        $crate::store_conformance!(@theme $store, machine_credentials:
            a_machine_credential_is_kept_as_it_was_sealed,
            a_key_has_one_machine_credential_or_a_grant,
            a_key_that_is_being_granted_takes_no_machine_credential,
            a_revoked_grant_makes_room_for_a_machine_credential,
            a_pair_is_replaced_from_the_version_expected,
            a_machine_credential_is_erased_with_its_version,
            machine_credentials_of_other_tenants_are_out_of_sight,
            machine_credentials_are_listed_in_the_order_of_their_keys,
            a_tenant_has_as_many_machine_credentials_as_grants,
            a_deleted_tenant_has_no_machine_credentials,
            what_a_machine_credential_holds_is_resealed,
        );
        $crate::store_conformance!(@theme $store, deletions:
            deletions_are_read_from_one_tenant_to_another,
            a_tenant_is_deleted_by_steps,
            a_deleted_tenant_keeps_its_id_and_none_of_its_keys,
            links_of_a_tenant_that_is_deleted_are_worth_nothing,
            keys_outlive_an_open_attempt,
            keys_outlive_the_journal_of_a_dead_replica_for_a_while,
            what_was_waited_for_long_enough_is_settled,
            a_neighbour_of_a_deleted_tenant_notices_nothing,
        );
        $crate::store_conformance!(@theme $store, revocations:
            a_revoked_grant_holds_no_token_and_is_not_claimed,
            a_grant_is_revoked_once_and_absent_ones_are_passed_over,
            a_refresh_that_was_not_sent_when_its_grant_was_revoked_never_is,
            a_failure_leaves_a_revoked_grant_alone,
            a_revocation_is_taken_by_one_and_again_after_its_time,
            a_failed_try_is_told_by_the_grant,
            with_the_end_of_its_revocation_a_grant_is_revoked_and_the_tokens_are_gone,
            what_was_revoked_of_late_is_known,
            ended_revocations_are_pruned_and_pending_ones_are_not,
            a_revocation_of_another_tenant_is_not_touched,
        );
        $crate::store_conformance!(@theme $store, changed:
            what_ended_of_late_is_known_with_its_grant,
            changes_of_every_tenant_are_told_newest_first_and_no_more_than_asked_for,
        );
        $crate::store_conformance!(@theme $store, revoked_answers:
            an_answer_that_comes_while_its_grant_is_revoking_is_revoked_too,
            an_answer_that_comes_after_the_end_makes_the_grant_revoking_again,
            an_answer_to_a_revoked_grant_is_kept_once,
            a_consent_that_began_before_the_revocation_is_revoked_too,
            a_consent_that_began_after_it_makes_the_grant_active,
            a_second_call_reaches_a_consent_that_began_since_the_first,
            a_lost_attempt_is_judged_by_the_clock,
        );
        $crate::store_conformance!(@theme $store, replaced:
            what_a_consent_replaces_is_revoked_where_that_does_not_reach_it,
            what_a_consent_replaces_is_let_go_where_that_could_end_it,
            a_late_answer_of_a_replaced_lineage_is_revoked_where_that_does_not_reach_the_new_one,
            a_pending_revocation_outlives_a_new_consent_only_where_it_does_not_reach_it,
        );
        $crate::store_conformance!(@theme $store, second_answers:
            the_later_of_two_answers_stands_whatever_their_order,
            the_earlier_answer_is_superseded_once_the_later_one_is_there,
            a_second_answer_is_superseded_once_its_successor_was_refreshed,
            a_second_answer_of_a_replaced_lineage_is_superseded,
            a_presentation_under_way_outlives_the_answer_to_an_earlier_one,
            a_presentation_that_fails_leaves_the_answer_to_an_earlier_one_alone,
        );
        $crate::store_conformance!(@theme $store, lost_commits:
            an_answer_is_adopted_and_its_attempt_kept_again,
            an_attempt_is_kept_again_although_its_number_was_given_away,
            a_lost_answer_of_a_passed_generation_is_superseded,
            an_answer_revives_a_grant_whose_last_generations_are_lost,
            a_first_consent_makes_its_grant,
            of_two_consents_the_later_one_stands,
        );
        $crate::store_conformance!(@theme $store, closing:
            an_attempt_is_closed_once_and_frees_the_grant,
            what_is_left_behind_is_kept,
            the_taint_is_sticky,
            a_failure_stays_until_another_comes_or_tokens_do,
            a_failed_exchange_marks_its_authorization_and_leaves_the_grant_alone,
            a_provably_unsent_attempt_is_taken_back,
            what_was_sent_and_closed_stays_sent,
        );
        $crate::store_conformance!(@theme $store, pauses:
            no_grant_of_a_paused_registration_is_claimed,
            other_registrations_are_not_paused,
            one_claim_is_the_canary,
            a_canary_that_is_refused_renews_the_pause,
            a_canary_that_is_answered_ends_the_pause,
            a_consent_ends_the_pause,
            a_claim_that_is_refused_otherwise_is_no_canary,
            an_attempt_that_was_closed_before_pauses_nothing,
        );
        $crate::store_conformance!(@theme $store, unread:
            an_answer_is_kept_whole_and_where_it_was_sealed,
            the_oldest_come_first,
            an_answer_that_was_adopted_is_unread_no_more,
            an_attempt_that_was_closed_before_keeps_no_answer,
            answers_are_deleted_with_their_attempts,
        );
        $crate::store_conformance!(@theme $store, orphans:
            an_open_attempt_of_a_silent_replica_is_an_orphan,
            an_open_attempt_of_a_drained_replica_is_an_orphan_at_once,
            an_open_attempt_of_an_owner_who_never_joined_is_an_orphan,
            a_replica_finds_no_orphans_among_its_own_attempts,
            an_open_exchange_is_an_orphan_too,
            the_oldest_orphans_come_first,
            an_orphan_tells_when_its_token_was_first_sent_by_whomever,
        );
        $crate::store_conformance!(@theme $store, consents:
            an_authorization_is_kept_and_found_by_id_and_state,
            a_state_is_used_once,
            a_late_state_is_not_used,
            a_denied_authorization_is_not_used,
            two_authorizations_never_share_a_state,
        );
        $crate::store_conformance!(@theme $store, origins:
            a_grant_keeps_the_account_of_its_lineage,
            another_account_is_refused_once_and_for_good,
            after_a_refusal_the_grant_is_due_at_once,
            a_revoked_grant_is_pinned_to_no_account,
            an_account_is_noted_once_and_on_its_lineage_only,
            those_who_share_an_account_are_counted_within_a_tenant,
            those_who_share_an_account_are_counted_up_to_a_bound,
            a_token_that_began_an_active_grant_begins_no_other,
            an_import_is_kept_with_what_recognises_its_token,
            a_token_that_began_an_active_grant_is_not_imported,
            a_repeated_import_is_recognised_and_may_replace_what_failed,
        );
        $crate::store_conformance!(@theme $store, hosted:
            a_browser_finds_an_authorization_by_its_state_alone,
            a_kept_code_awaits_completion_and_is_used_once,
            of_browsers_with_one_state_one_wins,
            a_code_is_kept_in_time_and_of_hosted_callbacks_only,
            an_answered_authorization_is_not_ended_by_a_later_answer,
            a_code_goes_when_its_authorization_is_settled,
            an_exchange_that_is_opened_again_awaits_completion_again,
            no_two_tenants_share_a_state,
        );
        $crate::store_conformance!(@theme $store, polls:
            a_device_authorization_is_due_after_its_interval,
            of_many_pollers_one_polls,
            polls_that_must_wait_hide_no_others,
            waiting_leaves_nothing_behind,
            a_poll_that_ends_the_authorization_is_the_last,
            a_dead_pollers_poll_gives_way_and_is_not_forgotten,
            what_is_late_after_a_lost_answer_has_an_unknown_outcome,
        );
        $crate::store_conformance!(@theme $store, lists:
            pages_follow_the_order_of_keys,
            filters_narrow_a_list,
            a_page_may_start_beside_the_tenant,
        );
        $crate::store_conformance!(@theme $store, due:
            what_is_due_comes_earliest_first,
            a_due_grant_tells_what_its_turn_depends_on,
            only_active_grants_are_due,
            every_lane_gets_its_share,
            a_claim_leaves_the_lane_too,
            a_grant_is_postponed_only_if_nothing_has_moved_it,
        );
        $crate::store_conformance!(@theme $store, asked:
            the_latest_time_stands,
            many_are_noted_at_once_and_strangers_passed_over,
            noting_changes_nothing_of_the_grant,
            a_registration_works_if_another_of_its_grants_was_refreshed,
        );
        $crate::store_conformance!(@theme $store, pruning:
            the_oldest_closed_attempts_go_first_and_few_at_a_time,
            an_open_attempt_is_kept,
            what_the_present_token_set_came_from_is_kept,
            a_late_answer_of_a_deleted_attempt_is_judged_all_the_same,
        );
        $crate::store_conformance!(@theme $store, tenants:
            a_tenant_is_created_once_with_its_keys_in_order,
            tenants_are_listed_page_by_page_in_the_order_of_their_ids,
            a_tenant_is_changed_only_in_the_version_that_was_seen,
        );
        $crate::store_conformance!(@theme $store, registrations:
            a_registration_is_created_once_and_kept_whole,
            the_first_registration_is_used,
            a_registration_needs_its_tenant,
            registrations_are_listed_oldest_first_with_all_their_secrets,
            a_registration_is_changed_where_named_and_only_in_the_version_that_was_seen,
            a_registration_keeps_a_window_of_its_own,
            a_registration_that_grants_live_by_is_not_deleted,
            a_registration_with_an_open_attempt_is_not_deleted,
            no_code_is_exchanged_through_a_deleted_registration,
            a_deleted_registration_is_made_anew_under_its_name,
        );
        $crate::store_conformance!(@theme $store, secrets:
            a_secret_is_added_after_the_others_or_before_them,
            a_secret_needs_its_registration_its_number_and_room,
            a_number_is_given_once,
            the_last_secret_is_not_retired,
            a_refused_secret_steps_back_until_it_is_accepted,
            an_acceptance_is_noted_once_it_is_the_latest,
            a_registration_whose_secrets_are_all_refused_rests,
            a_canary_that_leaves_another_secret_to_try_lets_the_next_claim_pass,
            other_secrets_let_the_canary_pass_at_once,
            an_authorization_is_reopened_for_the_next_secret,
        );
        $crate::store_conformance!(@theme $store, requests:
            a_repeated_request_makes_one_tenant,
            a_request_that_made_nothing_is_not_kept,
            a_repeated_request_makes_one_registration,
            a_repeated_request_adds_one_secret,
            of_two_same_requests_at_once_one_makes_the_resource,
            a_request_is_recognised_for_a_day,
            old_requests_are_forgotten_few_at_a_time,
        );
        $crate::store_conformance!(@theme $store, notices:
            of_many_callers_one_gives_a_notice,
            a_refresh_keeps_what_was_told_and_a_consent_begins_anew,
            of_a_grant_given_up_nothing_is_told,
            a_grant_without_a_refresh_token_ends_with_its_access_token,
            who_dies_soon_comes_earliest_first,
            who_dies_is_counted_by_how_soon,
        );
        $crate::store_conformance!(@theme $store, operators:
            a_pause_is_kept_until_its_end,
            a_second_pause_replaces_the_first,
            a_pause_is_ended_once_and_alone,
            the_backlog_counts_what_is_due_open_and_in_doubt,
            all_grants_are_counted_by_provider_state_and_phase,
            grants_whose_token_expired_and_those_overdue_are_counted,
            the_last_success_of_a_provider_stands,
            replicas_are_shown_while_they_live_or_their_journal_is_waited_for,
        );
        $crate::store_conformance!(@theme $store, news:
            a_rejection_and_a_recovery_are_told_once,
            a_recovery_that_comes_before_the_telling_is_told_with_its_rejection,
            a_registration_refused_again_before_its_recovery_was_told_has_not_recovered,
            of_many_who_take_the_news_one_is_told,
        );
        $crate::store_conformance!(@theme $store, quotas:
            a_tenant_has_so_many_registrations_and_no_more,
            a_tenant_has_so_many_policies_and_no_more,
            a_tenant_has_so_many_pending_authorizations_and_no_more,
            a_tenant_has_so_many_grants_and_no_more,
            an_exchange_counts_while_it_is_open,
            a_grant_that_lives_is_consented_to_again_whatever_the_quota,
            a_revoked_grant_makes_room_and_needs_room_again,
            a_consent_that_would_find_no_room_is_not_started,
            of_many_creates_at_once_only_so_many_pass,
            of_many_exchanges_at_once_only_so_many_pass,
        );
        $crate::store_conformance!(@theme $store, recorded:
            a_record_is_kept_whole,
            changes_of_tenants_are_recorded,
            changes_of_registrations_are_recorded,
            changes_of_secrets_are_recorded,
            changes_of_policies_are_recorded,
            changes_of_machine_credentials_are_recorded,
            changes_of_webhooks_are_recorded,
            pauses_are_recorded,
            a_breaker_that_an_operator_closes_is_recorded,
            an_adopted_installation_is_recorded,
            a_deletion_is_recorded_once,
            each_grant_that_is_revoked_is_recorded,
            authorizations_are_recorded,
            changes_of_keys_are_recorded,
            a_change_that_fails_leaves_no_record,
        );
        $crate::store_conformance!(@theme $store, policies:
            a_policy_is_kept_whole,
            a_policy_of_the_same_rule_is_not_created,
            a_repeated_request_is_answered_with_what_it_created,
            requests_for_policies_of_every_tenant_are_their_own,
            a_request_is_repeated_for_a_time_only,
            policies_come_in_pages_by_id,
            a_policy_is_deleted_once,
            the_version_changes_with_every_change_and_with_nothing_else,
        );
        $crate::store_conformance!(@theme $store, fleet:
            a_store_is_one_installation_in_one_epoch,
            who_joins_hears_those_who_live_and_not_those_who_did,
            who_joins_hears_those_who_leave,
            who_joins_learns_whether_its_journal_is_known,
            who_joins_learns_of_rotations_whose_journal_is_not_drained,
            who_is_unvouched_stays_so_when_it_starts_again,
            the_unvouched_do_not_vouch_for_one_another,
            a_replica_that_lives_is_not_drained_for_long,
            the_run_now_on_a_journal_speaks_for_the_one_before,
            a_heartbeat_keeps_a_replica_alive,
            a_heartbeat_of_a_replica_the_store_has_forgotten_says_so,
            journals_replayed_in_another_epoch_are_waited_for,
            a_later_run_replays_for_the_earlier_one,
            the_journal_of_who_joins_again_is_waited_for,
            who_left_in_order_is_not_waited_for,
            a_replay_drains_earlier_runs_on_the_same_journal_only,
            a_store_declared_the_only_copy_gets_an_id_and_waits_for_nobody,
            drained_replicas_are_forgotten_once_they_own_nothing_open,
        );
        $crate::store_conformance!(@theme $store, breakers:
            bad_answers_are_counted_by_name_time_and_tenant,
            a_breaker_opens_once_and_remembers_the_last_bad_answer,
            refreshed_suspects_count_while_the_breaker_is_open,
            a_closed_breaker_begins_anew,
        );
        $crate::store_conformance!(@theme $store, keys:
            a_new_data_key_takes_over_and_a_rotation_makes_one_of_each_purpose,
            no_data_key_is_made_for_a_tenant_that_is_deleted,
            a_data_key_is_retired_once_it_is_superseded_and_nothing_needs_it,
            seals_are_counted_once_each_whoever_reserves_them,
            a_retired_key_seals_nothing_and_keeps_its_count,
            a_data_key_is_wrapped_anew_only_if_nobody_else_was_faster,
            a_key_encryption_key_is_retired_once_it_wraps_nothing,
            a_key_encryption_key_for_each_purpose_supersedes_the_one_for_both,
            a_rotation_is_one_replicas_until_it_falls_silent,
            a_rotation_to_another_target_ends_the_one_before,
            a_repeated_request_answers_the_rotation_it_came_to_even_when_it_has_ended,
        );
        $crate::store_conformance!(@theme $store, records:
            a_consent_and_a_refresh_are_on_record_once,
            of_many_adoptions_at_once_each_is_on_record,
            what_comes_to_nothing_is_not_on_record,
            a_grant_that_is_given_up_is_on_record_with_its_cause,
            what_a_revoked_attempt_still_brought_is_on_record_once,
            a_grant_is_revoked_on_record_with_the_last_of_its_tokens,
            what_is_let_go_is_on_record,
            a_registration_is_paused_and_recovers_on_record,
            a_secret_is_refused_and_accepted_on_record,
            keys_are_destroyed_on_record_once,
            a_data_key_takes_over_on_record,
            a_rotation_of_keys_ends_on_record,
            a_primary_key_changes_on_record,
            a_breaker_opens_on_record,
            a_change_that_is_refused_leaves_no_record,
        );
        $crate::store_conformance!(@theme $store, ledger:
            records_come_out_of_the_inbox_as_they_went_in,
            a_record_of_no_tenant_belongs_to_the_installation,
            a_sealing_that_comes_too_late_changes_nothing,
            of_two_sealers_each_record_is_sealed_once,
            a_list_is_filtered_and_goes_back_in_pages,
            a_key_of_the_audit_log_is_kept_once_and_keeps_its_wrapping_key_in_use,
        );
        $crate::store_conformance!(@theme $store, webhooks:
            a_webhook_is_kept_and_begins_with_what_happens_next,
            a_repeated_request_makes_one_webhook,
            webhooks_are_listed_oldest_first_and_counted,
            only_what_is_for_a_webhook_makes_it_due,
            what_waits_for_a_webhook_is_as_old_as_its_first_event,
            of_many_deliverers_one_delivers,
            what_is_accepted_is_not_due_again,
            a_late_deliverer_notes_nothing,
            failures_are_counted_until_one_is_accepted,
            a_webhook_that_failed_is_switched_off_and_told_of,
            a_webhook_that_is_enabled_again_begins_with_what_happens_next,
            a_change_of_a_webhook_takes_it_from_whoever_delivers,
            the_old_secret_of_a_webhook_stays_for_a_while,
            events_are_sent_again_before_any_others,
            what_a_webhook_missed_is_sent_once_it_is_enabled,
            a_webhook_for_more_types_begins_with_what_happens_next,
            webhooks_of_other_tenants_are_out_of_sight,
            a_deleted_tenant_has_no_webhooks,
            a_webhook_far_behind_the_log_is_moved_on,
        );
        $crate::store_conformance!(@theme $store, events:
            what_happens_to_a_grant_is_told_in_its_order,
            a_revoked_grant_is_told_once_and_created_by_a_new_consent,
            what_does_not_win_is_not_told,
            sequences_have_no_gaps_whatever_the_batches,
            a_tenant_reads_its_own_events_and_those_of_providers,
            pruned_sequences_are_not_given_again,
        );
        $crate::store_conformance!(@theme $store, sealed:
            every_value_is_walked_and_opens_at_its_own_place_only,
            a_row_is_exchanged_only_as_it_was_read,
            rows_are_walked_in_pages_and_by_tenant,
        );
        $crate::store_conformance!(@theme $store, isolation:
            another_tenants_key_finds_and_changes_nothing_in_any_method,
            what_is_of_all_tenants_carries_its_key,
        );
        mod model {
            use super::*;

            #[test]
            fn any_steps_agree_with_the_model() {
                $crate::testing::conformance::model::any_steps_agree_with_the_model::<$store>();
            }
        }
    };
    (@theme $store:ty, $theme:ident: $($case:ident,)*) => {
        mod $theme {
            use super::*;

            $(#[tokio::test]
            async fn $case() {
                let store = <$store as $crate::testing::conformance::StoreUnderTest>::fresh().await;
                let world = $crate::testing::conformance::World::of(&store).await;
                $crate::testing::conformance::$theme::$case(world).await;
            })*
        }
    };
}

/// The cases of a restart, for a [`DurableStore`](crate::testing::conformance::DurableStore).
#[macro_export]
macro_rules! durable_store_conformance {
    ($store:ty) => {
        $crate::durable_store_conformance!(@cases $store:
            a_restart_keeps_everything,
            a_restart_keeps_installation_epoch_and_replicas,
            a_start_finds_what_the_last_run_left_open,
        );

        #[tokio::test]
        async fn nothing_changes_without_its_record() {
            $crate::testing::conformance::unrecorded::nothing_changes_without_its_record::<$store>().await;
        }
    };
    (@cases $store:ty: $($case:ident,)*) => {
        mod restarts {
            use super::*;

            $(#[tokio::test]
            async fn $case() {
                $crate::testing::conformance::restarts::$case::<$store>().await;
            })*
        }
    };
}

#[cfg(test)]
mod tests {
    const LIST: &str = include_str!("cases.rs");

    macro_rules! files {
        ($($theme:literal)*) => { [$(($theme, include_str!(concat!($theme, ".rs")))),*] };
    }

    #[test]
    fn every_case_is_listed_under_its_theme() {
        let themes = files!(
            "claims" "sent" "adoptions" "second_answers" "lost_commits" "closing" "pauses" "unread" "orphans" "consents" "lists" "due" "asked" "pruning" "tenants" "recorded" "policies" "registrations" "secrets" "requests" "operators" "news" "fleet" "breakers" "keys" "ledger" "records" "events" "sealed" "isolation"
        );
        for (theme, text) in themes {
            let (_, listed) = LIST.split_once(&format!("$store, {theme}:")).unwrap();
            let (listed, _) = listed.split_once(");").unwrap();
            let listed: Vec<_> = listed.split(',').map(str::trim).filter(|case| !case.is_empty()).collect();
            let lines = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let written: Vec<_> = lines.filter_map(|line| line.split('(').next()).collect();
            assert_eq!(listed, written, "{theme}");
        }
    }

    #[test]
    fn every_case_of_a_restart_is_listed() {
        let text = include_str!("restarts.rs");
        for line in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
            let case = line.split('<').next().unwrap();
            assert!(LIST.contains(&format!("            {case},\n")), "{case}");
        }
    }
}
