//! Keys and their rotations as tables.

use broker_proto::v1::{Key, KeyKind, KeyRotation, KeyRotationState, KeyState};
use prost_types::Timestamp;

use super::short;
use crate::output::{Cell, Table, Tone};
use crate::when::when;

pub(crate) fn list(keys: &[Key], now: &Timestamp) -> Table {
    let mut table =
        Table::headed(["KEY", "KIND", "TENANT", "STATE", "WRAPPED BY", "PROTECTS", "SEALED", "CREATED"]);
    for key in keys {
        table.row([
            key.key_id.as_str().into(),
            short(key.kind().as_str_name(), "KEY_KIND_").into(),
            key.tenant_id.as_str().into(),
            Cell::toned(short(key.state().as_str_name(), "KEY_STATE_"), tone_of_key(key.state())),
            key.wrapping_key_id.as_str().into(),
            key.use_count.to_string().into(),
            sealed(key).into(),
            when(key.create_time.as_ref(), now).into(),
        ]);
    }
    table
}

pub(crate) fn rotation(rotation: &KeyRotation, now: &Timestamp) -> Table {
    let mut table = Table::default();
    table.fact("rotation", rotation.rotation_id.as_str());
    table.fact("kind", short(rotation.kind().as_str_name(), "KEY_KIND_"));
    table.fact("tenant", whose(rotation));
    table.fact("state", state(rotation));
    table.fact("done", rotation.done_count.to_string());
    table.fact("remaining", rotation.remaining_count.to_string());
    table.fact("failed", rotation.failed_count.to_string());
    table.fact("created", when(rotation.create_time.as_ref(), now));
    table.fact("ended", when(rotation.end_time.as_ref(), now));
    table
}

pub(crate) fn rotations(rotations: &[KeyRotation], now: &Timestamp) -> Table {
    let mut table =
        Table::headed(["ROTATION", "KIND", "TENANT", "STATE", "DONE", "LEFT", "FAILED", "CREATED"]);
    for rotation in rotations {
        table.row([
            rotation.rotation_id.as_str().into(),
            short(rotation.kind().as_str_name(), "KEY_KIND_").into(),
            whose(rotation).into(),
            state(rotation),
            rotation.done_count.to_string().into(),
            rotation.remaining_count.to_string().into(),
            rotation.failed_count.to_string().into(),
            when(rotation.create_time.as_ref(), now).into(),
        ]);
    }
    table
}

/// Key encryption keys wrap, and are not counted.
fn sealed(key: &Key) -> String {
    if key.kind() == KeyKind::Dek { key.encryption_count.to_string() } else { String::new() }
}

fn whose(rotation: &KeyRotation) -> &str {
    if rotation.tenant_id.is_empty() { "(all)" } else { &rotation.tenant_id }
}

fn state(rotation: &KeyRotation) -> Cell {
    let tone = match rotation.state() {
        KeyRotationState::Succeeded => Tone::Good,
        KeyRotationState::Failed => Tone::Bad,
        KeyRotationState::Running | KeyRotationState::Unspecified => Tone::Plain,
    };
    Cell::toned(short(rotation.state().as_str_name(), "KEY_ROTATION_STATE_"), tone)
}

fn tone_of_key(state: KeyState) -> Tone {
    match state {
        KeyState::Primary => Tone::Good,
        KeyState::Retired => Tone::Warning,
        KeyState::Opening | KeyState::Unspecified => Tone::Plain,
    }
}
