//! How a rotation ended, told to a process that asked for it, and understood there.

use std::sync::Arc;

use super::{Rotated, RotationError};
use crate::ports::RotationAnswer;

/// What became of a rotation in another process.
#[derive(Debug, thiserror::Error)]
#[error("a backend of the rotator cannot be used; the log of the rotator says which")]
struct BackendOfRotator;

impl From<&Rotated> for RotationAnswer {
    fn from(rotated: &Rotated) -> Self {
        match rotated {
            Rotated::Adopted => Self::Adopted,
            Rotated::Unchanged => Self::Unchanged,
            Rotated::Refused => Self::Refused,
            // No flight lands so; whoever waits looks again.
            Rotated::StillRunning | Rotated::SecretRefused => Self::StillRunning,
            Rotated::RegistrationPaused(until) => Self::RegistrationPaused(*until),
            Rotated::RefreshPaused(until) => Self::RefreshPaused(*until),
            Rotated::ProviderRests(until) => Self::ProviderRests(*until),
            Rotated::Failed(RotationError::Backend(_)) => Self::BackendUnavailable,
            Rotated::Failed(RotationError::KeysExhausted) => Self::KeysExhausted,
            Rotated::Failed(RotationError::Internal(_)) => Self::Internal,
        }
    }
}

impl From<RotationAnswer> for Rotated {
    fn from(answer: RotationAnswer) -> Self {
        match answer {
            RotationAnswer::Adopted => Self::Adopted,
            RotationAnswer::Unchanged => Self::Unchanged,
            RotationAnswer::Refused => Self::Refused,
            RotationAnswer::StillRunning => Self::StillRunning,
            RotationAnswer::RegistrationPaused(until) => Self::RegistrationPaused(until),
            RotationAnswer::RefreshPaused(until) => Self::RefreshPaused(until),
            RotationAnswer::ProviderRests(until) => Self::ProviderRests(until),
            RotationAnswer::KeysExhausted => Self::Failed(RotationError::KeysExhausted),
            RotationAnswer::BackendUnavailable => {
                Self::Failed(RotationError::Backend(Arc::new(BackendOfRotator)))
            }
            RotationAnswer::Internal => {
                let told = "the rotator failed by its own fault; its log says how";
                Self::Failed(RotationError::Internal(told.into()))
            }
        }
    }
}
