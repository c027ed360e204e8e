//! Reading what is to be watched.

use std::collections::BTreeSet;

use broker_core::{BrokerError, Generation, GrantKey, ProviderName, TenantId, Watched};
use broker_proto::v1::{GrantKey as KeyMessage, WatchAccessTokensRequest};

use super::super::request::{Fields, grant_key};

const MOST_KEYS: usize = 1024;

/// As many as a tenant may have: who watches all of it may come back with all of it.
const MOST_KNOWN: usize = 10_000;

/// What is asked for, and what the caller holds.
pub(super) struct Asked {
    pub(super) watched: Watched,
    pub(super) known: Vec<(GrantKey, Generation)>,
}

impl Asked {
    /// The tenants and providers it is about.
    pub(super) fn places(&self) -> BTreeSet<(TenantId, ProviderName)> {
        match &self.watched {
            Watched::Keys(keys) => {
                keys.iter().map(|key| (key.tenant.clone(), key.provider.clone())).collect()
            }
            Watched::Tenant(tenant, provider) => [(tenant.clone(), provider.clone())].into(),
        }
    }
}

pub(super) fn read(message: &WatchAccessTokensRequest) -> Result<Asked, BrokerError> {
    let mut fields = Fields::default();
    let watched = match message.keys.as_slice() {
        [] => tenant(&mut fields, message),
        keys => these(&mut fields, message, keys),
    };
    let known = &message.known_generations;
    if known.len() > MOST_KNOWN {
        fields
            .violation("known_generations", format!("must be at most {MOST_KNOWN}, but are {}", known.len()));
    }
    let known = known.iter().take(MOST_KNOWN).enumerate().filter_map(|(at, known)| {
        let key = one(&mut fields, &format!("known_generations[{at}].key."), known.key.as_ref());
        key.map(|key| (key, Generation::new(known.generation)))
    });
    let known = known.collect();
    fields.finish(watched.map(|watched| Asked { watched, known }))
}

fn tenant(fields: &mut Fields, message: &WatchAccessTokensRequest) -> Option<Watched> {
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.provider(&message.provider);
    Some(Watched::Tenant(tenant?, provider?))
}

fn these(fields: &mut Fields, message: &WatchAccessTokensRequest, keys: &[KeyMessage]) -> Option<Watched> {
    for (field, text) in [("tenant_id", &message.tenant_id), ("provider", &message.provider)] {
        if !text.is_empty() {
            fields.violation(field, "must be empty where keys are given");
        }
    }
    if keys.len() > MOST_KEYS {
        fields.violation("keys", format!("must be at most {MOST_KEYS}, but are {}", keys.len()));
        return None;
    }
    let keys: Vec<_> = (keys.iter().enumerate())
        .filter_map(|(at, key)| one(fields, &format!("keys[{at}]."), Some(key)))
        .collect();
    Some(Watched::Keys(keys))
}

/// A key; `None` after a violation, which names its place.
fn one(fields: &mut Fields, at: &str, key: Option<&KeyMessage>) -> Option<GrantKey> {
    match grant_key(key.cloned()) {
        Ok(key) => Some(key),
        Err(BrokerError::InvalidRequest(violations)) => {
            for violation in violations {
                let field = violation.field.strip_prefix("key.").unwrap_or(&violation.field).to_owned();
                fields.violation(&format!("{at}{field}"), violation.problem);
            }
            None
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use broker_proto::v1::KnownGeneration;

    use super::*;

    fn key(user: &str) -> KeyMessage {
        KeyMessage {
            tenant_id: "acme".to_owned(),
            provider: "evercam".to_owned(),
            user_id: user.to_owned(),
            account: String::new(),
        }
    }

    fn violations(message: &WatchAccessTokensRequest) -> Vec<String> {
        match read(message) {
            Err(BrokerError::InvalidRequest(all)) => {
                all.into_iter().map(|violation| violation.field).collect()
            }
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn keys_or_a_tenant_are_watched_and_not_both() {
        let keys = WatchAccessTokensRequest { keys: vec![key("ada"), key("bob")], ..Default::default() };
        assert!(matches!(read(&keys).unwrap().watched, Watched::Keys(keys) if keys.len() == 2));
        let tenant = WatchAccessTokensRequest {
            tenant_id: "acme".to_owned(),
            provider: "evercam".to_owned(),
            ..Default::default()
        };
        assert!(matches!(read(&tenant).unwrap().watched, Watched::Tenant(..)));
        let both = WatchAccessTokensRequest { keys: keys.keys, ..tenant };
        assert_eq!(violations(&both), ["tenant_id", "provider"]);
        assert_eq!(violations(&WatchAccessTokensRequest::default()), ["tenant_id", "provider"]);
    }

    #[test]
    fn a_bad_key_is_named_with_its_place() {
        let known_generations = vec![KnownGeneration { key: Some(key("")), generation: 1 }];
        let keys = vec![key("ada"), key("")];
        let bad = WatchAccessTokensRequest { keys, known_generations, ..Default::default() };
        assert_eq!(violations(&bad), ["keys[1].user_id", "known_generations[0].key.user_id"]);
    }

    #[test]
    fn there_are_not_more_keys_than_the_contract_says() {
        let of = |count| WatchAccessTokensRequest { keys: vec![key("ada"); count], ..Default::default() };
        assert_eq!(violations(&of(1024)), [] as [&str; 0]);
        assert_eq!(violations(&of(1025)), ["keys"]);
    }
}
