//! Grants for people.

use broker_proto::v1::{Grant, GrantError, GrantKey, GrantState};
use prost_types::Timestamp;

use super::short;
use crate::output::{Cell, Table, Tone};
use crate::when::when;

/// One line per grant.
pub(crate) fn list(grants: &[Grant], now: &Timestamp) -> Table {
    let mut table = Table::headed([
        "PROVIDER",
        "USER",
        "ACCOUNT",
        "STATE",
        "PHASE",
        "GENERATION",
        "TOKEN EXPIRES",
        "NEXT REFRESH",
        "LAST ERROR",
    ]);
    for grant in grants {
        let key = grant.key.as_ref();
        table.row([
            key.map_or("", |key| &key.provider).into(),
            key.map_or("", |key| &key.user_id).into(),
            key.map_or("", |key| &key.account).into(),
            state(grant),
            short(grant.phase().as_str_name(), "GRANT_PHASE_").into(),
            grant.generation.to_string().into(),
            when(grant.access_token_expire_time.as_ref(), now).into(),
            when(grant.next_refresh_time.as_ref(), now).into(),
            last_error(grant.last_error.as_ref(), now).into(),
        ]);
    }
    table
}

/// One line per grant that dies, in the order of their deaths.
pub(crate) fn at_risk(grants: &[Grant], now: &Timestamp) -> Table {
    let mut table = Table::headed(["PROVIDER", "USER", "ACCOUNT", "DIES", "REGISTRATION", "REMARK"]);
    for grant in grants {
        let key = grant.key.as_ref();
        table.row([
            key.map_or("", |key| &key.provider).into(),
            key.map_or("", |key| &key.user_id).into(),
            key.map_or("", |key| &key.account).into(),
            when(grant.grant_expire_time.as_ref(), now).into(),
            grant.registration_id.as_str().into(),
            overrun(grant),
        ]);
    }
    table
}

fn overrun(grant: &Grant) -> Cell {
    match grant.window_overrun {
        true => Cell::toned("lives on: its window is wrong", Tone::Warning),
        false => "".into(),
    }
}

/// Everything about one grant.
pub(crate) fn details(grant: &Grant, now: &Timestamp) -> Table {
    let mut table = Table::default();
    key_facts(&mut table, grant.key.as_ref());
    table.fact("grant", &grant.grant_id);
    table.fact("state", state(grant));
    table.fact("phase", short(grant.phase().as_str_name(), "GRANT_PHASE_"));
    table.fact("generation", grant.generation.to_string());
    table.fact("tainted", if grant.tainted { "yes" } else { "no" });
    table.fact("scopes", grant.scopes.join(" "));
    table.fact("api base url", &grant.api_base_url);
    table.fact("registration", &grant.registration_id);
    for (name, time) in [
        ("token expires", &grant.access_token_expire_time),
        ("last refresh", &grant.last_refresh_time),
        ("next refresh", &grant.next_refresh_time),
        ("grant expires", &grant.grant_expire_time),
        ("created", &grant.create_time),
    ] {
        table.fact(name, when(time.as_ref(), now));
    }
    table.fact("window", overrun(grant));
    table.fact("refreshable", refreshable(grant));
    if grant.shared_upstream_account > 0 {
        table.fact("shares its account", format!("with {} of other users", grant.shared_upstream_account));
    }
    table.fact("last error", last_error(grant.last_error.as_ref(), now));
    table.fact("revocation", short(grant.revocation_outcome().as_str_name(), "REVOCATION_OUTCOME_"));
    table
}

/// An active grant that cannot be refreshed was given no refresh token. Of others it was taken.
fn refreshable(grant: &Grant) -> Cell {
    match (grant.refreshable, grant.state()) {
        (true, _) => "yes".into(),
        (false, GrantState::Active) => {
            Cell::toned("no (NO_OFFLINE_ACCESS): it ends with its access token", Tone::Warning)
        }
        (false, _) => "no".into(),
    }
}

/// The parts of a key, one by one.
pub(crate) fn key_facts(table: &mut Table, key: Option<&GrantKey>) {
    table.fact("tenant", key.map_or("", |key| &key.tenant_id));
    table.fact("provider", key.map_or("", |key| &key.provider));
    table.fact("user", key.map_or("", |key| &key.user_id));
    table.fact("account", key.map_or("", |key| &key.account));
}

fn state(grant: &Grant) -> Cell {
    let state = short(grant.state().as_str_name(), "GRANT_STATE_");
    let cause = short(grant.needs_consent_cause().as_str_name(), "NEEDS_CONSENT_CAUSE_");
    let text = if cause.is_empty() { state.to_owned() } else { format!("{state} ({cause})") };
    let tone = match grant.state() {
        GrantState::Active if grant.last_error.is_some() || grant.tainted => Tone::Warning,
        GrantState::Active => Tone::Good,
        GrantState::NeedsConsent | GrantState::ConsentExpired => Tone::Bad,
        GrantState::Revoking | GrantState::Revoked | GrantState::Unspecified => Tone::Plain,
    };
    Cell::toned(text, tone)
}

pub(crate) fn last_error(error: Option<&GrantError>, now: &Timestamp) -> String {
    let Some(error) = error else { return String::new() };
    let mut text = short(error.kind().as_str_name(), "GRANT_ERROR_KIND_").to_owned();
    if !error.oauth_error.is_empty() {
        text += &format!(" {}", error.oauth_error);
    }
    if error.http_status != 0 {
        text += &format!(" HTTP {}", error.http_status);
    }
    format!("{text} {}", when(error.time.as_ref(), now))
}
