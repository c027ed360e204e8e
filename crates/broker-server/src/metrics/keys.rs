//! Rotations of keys, and how much data keys have sealed.

use broker_core::{KeyRotation, KeyRotationState};

use super::Family;
use crate::engine::Engine;

pub(super) fn families(engine: &Engine) -> Vec<Family> {
    let rotation = engine.broker().and_then(|broker| broker.key_rotation_worked_on());
    let mut families: Vec<_> = rotation.iter().flat_map(worked_on).collect();
    families.push(
        Family::gauge(
            "token_broker.data_keys_wearing_out",
            "Data keys this replica seals under that have sealed half of what they may",
        )
        .value(engine.worn_keys()),
    );
    families
}

/// Of the one this replica worked on last.
fn worked_on(rotation: &KeyRotation) -> Vec<Family> {
    vec![
        Family::gauge("token_broker.key_rotation_running", "Whether keys are rotated by this replica")
            .value(rotation.state == KeyRotationState::Running),
        Family::gauge(
            "token_broker.key_rotation_done",
            "Values or keys done by the key rotation worked on last",
        )
        .value(rotation.done),
        Family::gauge(
            "token_broker.key_rotation_remaining",
            "Values or keys it has left, as far as is known",
        )
        .value(rotation.remaining),
        Family::gauge("token_broker.key_rotation_failed", "Values or keys it could not open")
            .value(rotation.failed),
    ]
}
