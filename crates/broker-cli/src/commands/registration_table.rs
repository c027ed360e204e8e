//! Client registrations for people.

use broker_proto::v1::{ClientRegistration, ClientRegistrationState, ClientSecret};
use prost_types::Timestamp;

use super::short;
use super::window_args::window;
use crate::output::{Cell, Table, Tone};
use crate::when::when;

/// One line per registration.
pub(crate) fn list(registrations: &[ClientRegistration], now: &Timestamp) -> Table {
    let mut table =
        Table::headed(["PROVIDER", "REGISTRATION", "STATE", "CLIENT ID", "SECRETS", "SCOPES", "CREATED"]);
    for registration in registrations {
        table.row([
            registration.provider.as_str().into(),
            registration.registration_id.as_str().into(),
            state(registration),
            registration.client_id.as_str().into(),
            secret_count(registration).into(),
            registration.scopes.join(" ").into(),
            when(registration.create_time.as_ref(), now).into(),
        ]);
    }
    table
}

/// Everything about one registration.
pub(crate) fn details(registration: &ClientRegistration, now: &Timestamp) -> Table {
    let mut table = Table::default();
    table.fact("tenant", &registration.tenant_id);
    table.fact("provider", &registration.provider);
    table.fact("registration", &registration.registration_id);
    table.fact("state", state(registration));
    table.fact("client id", &registration.client_id);
    table.fact("secrets", secret_count(registration));
    for secret in &registration.secrets {
        table.fact(&format!("  {}", secret.secret_id), accepted(secret, now));
    }
    table.fact("redirect uri", &registration.redirect_uri);
    table.fact("callback page", if registration.broker_hosted { "the broker's" } else { "the product's" });
    table.fact("scopes", registration.scopes.join(" "));
    let mut places: Vec<_> = registration.return_to.iter().collect();
    places.sort();
    for (name, url) in places {
        table.fact(&format!("return to {name}"), url);
    }
    table.fact("grants", window(registration.grant_window.as_ref()));
    table.fact("created", when(registration.create_time.as_ref(), now));
    table.fact("changed", when(registration.update_time.as_ref(), now));
    table.fact("etag", &registration.etag);
    table
}

/// One line per secret, in the order in which they are tried.
pub(crate) fn secrets(registration: &ClientRegistration, now: &Timestamp) -> Table {
    let mut table = Table::headed(["TRIED", "SECRET", "LAST ACCEPTED", "ADDED"]);
    for (place, secret) in (1..).zip(&registration.secrets) {
        let tried: i32 = place;
        table.row([
            tried.to_string().into(),
            secret.secret_id.as_str().into(),
            when_accepted(secret, now),
            when(secret.create_time.as_ref(), now).into(),
        ]);
    }
    table
}

fn state(registration: &ClientRegistration) -> Cell {
    let state = registration.state();
    let tone = match state {
        ClientRegistrationState::Active => Tone::Good,
        ClientRegistrationState::Rejected => Tone::Bad,
        ClientRegistrationState::Unspecified => Tone::Plain,
    };
    Cell::toned(short(state.as_str_name(), "CLIENT_REGISTRATION_STATE_"), tone)
}

fn secret_count(registration: &ClientRegistration) -> String {
    if registration.public { "none (public)".to_owned() } else { registration.secrets.len().to_string() }
}

fn accepted(secret: &ClientSecret, now: &Timestamp) -> String {
    match &secret.last_accepted_time {
        Some(time) => format!("accepted {}", when(Some(time), now)),
        None => "never accepted".to_owned(),
    }
}

fn when_accepted(secret: &ClientSecret, now: &Timestamp) -> Cell {
    match &secret.last_accepted_time {
        Some(time) => when(Some(time), now).into(),
        None => Cell::toned("never", Tone::Warning),
    }
}
