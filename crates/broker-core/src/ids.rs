//! Names and ids, checked where they enter and typed from there on.

use std::fmt;

use broker_crypto::Entropy;
use uuid::{Builder, Uuid};

use crate::Timestamp;

/// Why a name was refused. The text is for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub &'static str);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and takes the name.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A tenant of the broker: 1 to 64 characters of `a-z 0-9 - _ .`, first a letter or digit.
    TenantId,
    slug
);
text_id!(
    /// Name of a configured authorization server, such as `evercam`; same alphabet as [`TenantId`].
    ProviderName,
    slug
);
text_id!(
    /// A tenant's registration as a client at a provider; same alphabet as [`TenantId`].
    RegistrationId,
    slug
);
text_id!(
    /// The tenant's own id of its user: 1 to 256 bytes without control characters.
    UserId,
    printable
);
text_id!(
    /// Tells several accounts of one user at one provider apart: 1 to 256 bytes without control characters.
    AccountLabel,
    printable
);

impl AccountLabel {
    /// The label of a user's only account.
    pub fn default_label() -> Self {
        Self("default".to_owned())
    }
}

fn slug(text: &str) -> Result<(), InvalidName> {
    let alphabet = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    let first_fits = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    match first_fits && text.len() <= 64 && text.bytes().all(alphabet) {
        true => Ok(()),
        false => Err(InvalidName(
            "must be 1 to 64 characters of a-z, 0-9, '-', '_' and '.', starting with a letter or digit",
        )),
    }
}

fn printable(text: &str) -> Result<(), InvalidName> {
    match (1..=256).contains(&text.len()) && !text.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(InvalidName("must be 1 to 256 bytes without control characters")),
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// From the id's usual text form.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }

            /// From the 16 bytes a store keeps.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes to keep.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! generated_id {
    ($($name:ident),*) => {
        $(impl $name {
            /// A fresh id (UUIDv7, RFC 9562 §5.7): sorts by time of creation.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let mut random = [0u8; 10];
                entropy.fill(&mut random);
                let millis = u64::try_from(now.as_unix_micros() / 1000).unwrap_or(0);
                Self(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
        })*
    };
}

uuid_id!(
    /// Id of a grant. Derived from its key, see [`crate::GrantKey::grant_id`].
    GrantId
);
uuid_id!(
    /// Id of one call of a token endpoint.
    AttemptId
);
uuid_id!(
    /// Id of one authorization request.
    AuthorizationId
);
uuid_id!(
    /// Id of one chain of refresh tokens, from one consent or import.
    LineageId
);
uuid_id!(
    /// Id of one run of one broker process: new at every start.
    IncarnationId
);

uuid_id!(
    /// Id that a caller gives a create, so that it may be repeated.
    RequestId
);
uuid_id!(
    /// Id of one escrow directory: stays with it, whichever process runs on it.
    EscrowId
);
uuid_id!(
    /// Id of an access policy.
    PolicyId
);
uuid_id!(
    /// Id of one installation: the store and the replicas that may rotate what stands in it.
    InstallationId
);

uuid_id!(
    /// Id of one rotation of keys.
    KeyRotationId
);

uuid_id!(
    /// Id of one token set that is to be revoked at its provider.
    RevocationId
);

uuid_id!(
    /// Id of one webhook.
    WebhookId
);
uuid_id!(
    /// Id of one turn of deliveries to a webhook.
    DeliveryClaimId
);

generated_id!(
    AttemptId,
    AuthorizationId,
    LineageId,
    IncarnationId,
    EscrowId,
    InstallationId,
    PolicyId,
    KeyRotationId,
    WebhookId,
    DeliveryClaimId
);

macro_rules! derived_id {
    ($($name:ident),*) => {
        $(impl $name {
            /// Derived from a name's digest (UUIDv8, RFC 9562 §5.8).
            pub(crate) fn from_digest(digest: &[u8; 32]) -> Self {
                let mut bytes = [0u8; 16];
                bytes.copy_from_slice(&digest[..16]);
                Self(Builder::from_custom_bytes(bytes).into_uuid())
            }
        })*
    };
}

derived_id!(GrantId, PolicyId);

impl GrantId {
    #[cfg(test)]
    pub(crate) const NIL: Self = Self(Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "evercam", "eagle-eye", "0.a_b-c"] {
            assert!(TenantId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "ä", &"a".repeat(65)] {
            assert!(TenantId::new(bad).is_err(), "{bad}");
        }
        assert!(UserId::new("Ada Löv@example.com|auth0:7").is_ok());
        for bad in ["", "a\nb", &"x".repeat(257)] {
            assert!(UserId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn generated_ids_sort_by_time() {
        let entropy = broker_crypto::SeededEntropy::new(1);
        let at = |seconds| AttemptId::generate(Timestamp::from_unix_seconds(seconds), &entropy);
        assert!(at(1_700_000_000) < at(1_700_000_001));
    }
}
