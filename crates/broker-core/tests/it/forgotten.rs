//! No change that a caller asks for goes without an audit record: every method of every port takes one, or stands here
//! with the reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Why methods take no record, and which: trait and method.
const EXEMPT: [(&str, &[&str]); 5] = [
    (
        "it reads",
        &[
            "AccessStore::policies",
            "AccessStore::policies_version",
            "ConsentStore::authorization",
            "ConsentStore::authorization_of_browser",
            "ConsentStore::authorization_by_state",
            "ConsentStore::device_authorization",
            "ConsentStore::due_polls",
            "DeletionStore::deletion",
            "DeletionStore::deletions",
            "DeletionStore::deletions_between",
            "DeletionStore::destroyed_since",
            "EventStore::events_after",
            "EventStore::newest_event",
            "FleetStore::bad_answers",
            "FleetStore::open_breakers",
            "GrantStore::account_sharers",
            "GrantStore::attempt",
            "GrantStore::changed_since",
            "GrantStore::due_grants",
            "GrantStore::list_grants",
            "GrantStore::orphans",
            "GrantStore::registration_works_since",
            "GrantStore::unread_answers",
            "GrantStore::vendable",
            "KeyStore::audit_keys",
            "KeyStore::changed_keys",
            "KeyStore::data_key",
            "KeyStore::data_keys",
            "KeyStore::key_rotation",
            "KeyStore::key_rotations",
            "KeyStore::known_keks",
            "KeyStore::tenant_after",
            "KeyStore::wrapped_under",
            "Ledger::begun",
            "Ledger::chained",
            "Ledger::checkpoints",
            "Ledger::ends",
            "Ledger::list",
            "Ledger::lost_chain",
            "Ledger::unsealed",
            "MachineCredentialStore::due_mints",
            "MachineCredentialStore::list_machine_credentials",
            "MachineCredentialStore::machine_credential",
            "RevocationStore::is_pending",
            "RevocationStore::revoked_since",
            "RotationRequests::rotation_request",
            "SchedulerStore::at_risk_grants",
            "SchedulerStore::backlog",
            "SchedulerStore::count_grants",
            "SchedulerStore::due_notices",
            "SchedulerStore::last_successes",
            "SchedulerStore::refresh_pauses",
            "SchedulerStore::replicas",
            "SealedStore::sealed_row",
            "SealedStore::sealed_under",
            "TenantStore::first_registration",
            "TenantStore::list_registrations",
            "TenantStore::list_tenants",
            "TenantStore::registration",
            "TenantStore::tenant",
            "WebhookStore::due_webhooks",
            "WebhookStore::list_webhooks",
            "WebhookStore::undelivered_since",
            "WebhookStore::webhook",
            "WebhookStore::webhook_secrets",
        ],
    ),
    (
        "a step the broker takes by itself: the store records what comes of it",
        &[
            "ConsentStore::claim_poll",
            "ConsentStore::put_off_polls",
            "DeletionStore::destroy_keys",
            "FleetStore::note_bad_answer",
            "GrantStore::adopt",
            "GrantStore::claim_refresh",
            "GrantStore::close_attempt",
            "GrantStore::mark_sent",
            "KeyStore::add_data_key",
            "KeyStore::end_key_rotation",
            "KeyStore::note_primary_keks",
            "KeyStore::rewrap_data_key",
            "MachineCredentialStore::claim_mint",
            "MachineCredentialStore::end_mint",
            "MachineCredentialStore::put_off_mints",
            "MachineCredentialStore::want_mint",
            "RevocationStore::end_revocation",
            "SealedStore::reseal",
            "TenantStore::note_secret_accepted",
        ],
    ),
    (
        "bookkeeping: it changes nothing that anybody owns",
        &[
            "EventStore::prune_events",
            "EventStore::sequence_events",
            "FleetStore::forget_replicas",
            "FleetStore::heartbeat",
            "FleetStore::join",
            "FleetStore::leave",
            "FleetStore::note_replayed",
            "FleetStore::note_suspect_refreshed",
            "FleetStore::note_vouched",
            "GrantStore::note_asked",
            "GrantStore::postpone",
            "SchedulerStore::put_off_notice",
            "GrantStore::prune_attempts",
            "KeyStore::claim_key_rotation",
            "KeyStore::note_key_rotation",
            "KeyStore::reserve_seals",
            "RevocationStore::prune_revocations",
            "RevocationStore::put_off",
            "RevocationStore::take_revocations",
            "RotationRequests::answer_rotation_request",
            "RotationRequests::prune_rotation_requests",
            "RotationRequests::request_rotation",
            "RotationRequests::take_rotation_requests",
            "SchedulerStore::note_successes",
            "SchedulerStore::prune_pauses",
            "SchedulerStore::take_registration_news",
            "TenantStore::prune_requests",
            "WebhookStore::claim_webhook",
            "WebhookStore::note_delivery",
        ],
    ),
    (
        "it is the audit log",
        &["KeyStore::keep_audit_key", "KeyStore::rewrap_audit_key", "Ledger::append", "Ledger::seal"],
    ),
    (
        "it is no store",
        &[
            "Escrow::append",
            "Escrow::compact",
            "Escrow::records",
            "Escrow::reserve",
            "LeaseManager::acquire",
            "LeaseManager::release",
            "LeaseManager::renew",
            "ProviderBudget::take",
            "ProviderClient::authorize_device",
            "ProviderClient::derive_token",
            "ProviderClient::call",
            "ProviderClient::discover_base_url",
            "ProviderClient::identify",
            "ProviderClient::revoke",
            "RotationRequests::answered",
            "RotationRequests::requested",
            "SendGate::commit_sent",
            "WebhookSender::send",
        ],
    ),
];

/// The text of every port.
fn sources() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ports");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// What stands in a block that begins with `opening`, by its name.
fn blocks<'a>(text: &'a str, opening: &str) -> Vec<(&'a str, &'a str)> {
    let begun = text.split(opening).skip(1);
    let blocks = begun.filter_map(|rest| rest.split_once("\n}"));
    let named = blocks.map(|(block, _)| (block.split([' ', ':', '<', ';', '(']).next().unwrap(), block));
    named.collect()
}

/// Every method of a port, and its signature.
fn methods(text: &str) -> BTreeMap<String, &str> {
    let mut methods = BTreeMap::new();
    for (port, block) in blocks(text, "\npub trait ") {
        for rest in block.split("async fn ").skip(1) {
            let (signature, _) = rest.split_once(['{', ';']).unwrap();
            let (name, _) = signature.split_once('(').unwrap();
            methods.insert(format!("{port}::{name}"), signature);
        }
    }
    methods
}

/// Methods that are given a record, alone or in a struct that carries one.
fn recorded(text: &str) -> BTreeSet<String> {
    let structs = blocks(text, "\npub struct ").into_iter();
    let carriers: Vec<_> = structs.filter(|(_, fields)| fields.contains(": AuditRecord")).collect();
    let takes = |signature: &str| {
        let carries = |(name, _): &(&str, &str)| signature.contains(&format!("&{name}"));
        signature.contains("&AuditRecord") || carriers.iter().any(carries)
    };
    methods(text).into_iter().filter(|(_, signature)| takes(signature)).map(|(name, _)| name).collect()
}

#[test]
fn every_method_of_a_port_takes_a_record_or_has_a_reason_not_to() {
    let text = sources();
    let all: BTreeSet<_> = methods(&text).into_keys().collect();
    assert!(all.len() > 90, "{all:#?}");
    let recorded = recorded(&text);
    assert!(recorded.contains("GrantStore::claim_exchange"), "its record stands in its claim");
    let exempt: BTreeSet<_> =
        EXEMPT.iter().flat_map(|(_, methods)| *methods).map(ToString::to_string).collect();
    let forgotten: Vec<_> = all.difference(&exempt).filter(|method| !recorded.contains(*method)).collect();
    assert_eq!(forgotten, Vec::<&String>::new(), "neither recorded nor exempt");
    assert_eq!(exempt.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new(), "exempt, and gone");
    assert_eq!(exempt.intersection(&recorded).collect::<Vec<_>>(), Vec::<&String>::new(), "both");
}
