//! A policy: who may do what, where, with which scopes and how often.

use broker_crypto::sha256;

use super::{ActionSet, Ask, PrincipalPattern, Reach, RequestRate};
use crate::consent::check_scopes;
use crate::{FieldViolation, PolicyId, ProviderName, TenantId, Timestamp};

/// What a policy allows. Two policies of one rule would be the same policy.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessRule {
    /// Who.
    pub principal: PrincipalPattern,
    /// What.
    pub actions: ActionSet,
    /// Whose.
    pub tenant: Reach<TenantId>,
    /// Where.
    pub provider: Reach<ProviderName>,
    /// With which scopes at most.
    pub max_scopes: ScopeLimit,
    /// How often, for each tenant; `None` is without limit.
    pub rate: Option<RequestRate>,
}

impl AccessRule {
    /// Everybody may do everything.
    pub fn everything() -> Self {
        Self {
            principal: PrincipalPattern::everybody(),
            actions: ActionSet::all(),
            tenant: Reach::All,
            provider: Reach::All,
            max_scopes: ScopeLimit::default(),
            rate: None,
        }
    }

    /// Whether a caller who is meant may do what is asked, how often aside.
    pub(super) fn allows(&self, ask: &Ask<'_>) -> bool {
        self.actions.contains(ask.action)
            && self.tenant.covers(ask.tenant)
            && self.provider.covers(ask.provider)
            && ask.scopes.is_none_or(|scopes| self.max_scopes.covers(scopes))
    }

    /// SHA-256 over all of it: the same for the same rule, whatever the order it was written in.
    pub fn digest(&self) -> [u8; 32] {
        let mut text = Vec::from(*b"tokenbroker.v1.access_rule");
        for part in self.parts() {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        sha256(&text)
    }

    /// All of it as text, in an order of its own: the same for the same rule.
    pub(super) fn parts(&self) -> [String; 6] {
        [
            self.principal.to_string(),
            self.actions.to_string(),
            self.tenant.to_string(),
            self.provider.to_string(),
            self.max_scopes.as_slice().join(" "),
            self.rate.map_or(String::new(), |rate| rate.per_second().to_bits().to_string()),
        ]
    }
}

/// The scopes a token may have at most, in byte order; none listed means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeLimit(Vec<String>);

impl ScopeLimit {
    /// Checks that each is a scope (RFC 6749 §3.3), and takes them.
    pub fn new(mut scopes: Vec<String>) -> Result<Self, FieldViolation> {
        check_scopes(&scopes, "max_scopes")?;
        scopes.sort_unstable();
        scopes.dedup();
        Ok(Self(scopes))
    }

    /// The scopes.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether all of these lie within. None named may mean any, so no limit covers that.
    fn covers(&self, scopes: &[String]) -> bool {
        let within = |scope| self.0.binary_search(scope).is_ok();
        self.0.is_empty() || !scopes.is_empty() && scopes.iter().all(within)
    }
}

/// A policy that stands.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessPolicy {
    /// Its id.
    pub id: PolicyId,
    /// What it allows.
    pub rule: AccessRule,
    /// Why it exists, for people.
    pub description: String,
    /// Where it comes from.
    pub origin: PolicyOrigin,
}

/// Where a policy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyOrigin {
    /// The configuration: always in force on a replica that has it.
    Configured,
    /// An operator created it then. The store keeps it.
    Created(Timestamp),
}

impl AccessPolicy {
    /// A policy of the configuration. Its id is derived from its rule, so it is the same on every replica.
    pub fn configured(rule: AccessRule, description: String) -> Self {
        let id = PolicyId::from_digest(&rule.digest());
        Self { id, rule, description, origin: PolicyOrigin::Configured }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccessAction;

    fn rule() -> AccessRule {
        AccessRule {
            principal: PrincipalPattern::new("jwt:ci").unwrap(),
            actions: ActionSet::new([AccessAction::Vend]).unwrap(),
            tenant: Reach::All,
            provider: Reach::One(ProviderName::new("evercam").unwrap()),
            max_scopes: ScopeLimit::default(),
            rate: None,
        }
    }

    fn limit(scopes: &[&str]) -> ScopeLimit {
        ScopeLimit::new(scopes.iter().map(ToString::to_string).collect()).unwrap()
    }

    #[test]
    fn every_part_of_a_rule_tells_it_from_another() {
        let others = [
            AccessRule { principal: PrincipalPattern::new("jwt:c").unwrap(), ..rule() },
            AccessRule { actions: ActionSet::all(), ..rule() },
            AccessRule { tenant: Reach::One(TenantId::new("acme").unwrap()), ..rule() },
            AccessRule { provider: Reach::All, ..rule() },
            AccessRule { max_scopes: limit(&["a"]), ..rule() },
            AccessRule { rate: Some(RequestRate::new(1.5).unwrap()), ..rule() },
        ];
        for other in others {
            assert_ne!(other.digest(), rule().digest(), "{other:?}");
        }
        let scoped = |scopes| AccessRule { max_scopes: limit(scopes), ..rule() };
        assert_eq!(scoped(&["a", "b"]).digest(), scoped(&["b", "a", "b"]).digest());
    }

    #[test]
    fn the_id_of_a_configured_policy_stays_the_same_from_release_to_release() {
        let policy = AccessPolicy::configured(rule(), "told to others".into());
        assert_eq!(policy.id, AccessPolicy::configured(rule(), String::new()).id);
        assert_eq!(policy.id.to_string(), "63fb77ee-3dde-8925-827c-e542f92834cb");
    }

    #[test]
    fn a_limit_covers_what_lies_within() {
        for (limits, scopes, covered) in [
            (&[] as &[&str], &[] as &[&str], true),
            (&[], &["write"], true),
            (&["read", "live"], &["read"], true),
            (&["read", "live"], &["live", "read"], true),
            (&["read", "live"], &["read", "write"], false),
            (&["read"], &[], false),
        ] {
            let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
            assert_eq!(limit(limits).covers(&scopes), covered, "{limits:?} {scopes:?}");
        }
    }
}
