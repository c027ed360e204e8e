//! Leave to do what was asked.

use std::fmt;
use std::sync::Arc;

use super::control::Access;
use super::set::Standing;
use super::{AccessAction, AccessRule, Ask, Asked};
use crate::{BrokerError, GrantKey, Principal};

/// Leave to do what was asked, and no more: what is known only after a lookup is asked of it then.
#[derive(Clone)]
pub struct Permit(Option<Given>);

#[derive(Clone)]
struct Given {
    access: Arc<Access>,
    rpc: &'static str,
    principal: Principal,
    action: AccessAction,
    /// `None` in shadow mode, where no policy allowed it.
    by: Option<Arc<Standing>>,
}

impl Permit {
    /// Leave to do anything: for what no caller has asked.
    pub fn unlimited() -> Self {
        Self(None)
    }

    pub(super) fn of(access: Arc<Access>, ask: &Ask<'_>, by: Option<Arc<Standing>>) -> Self {
        let Ask { rpc, principal, action, .. } = *ask;
        Self(Some(Given { access, rpc, principal: principal.clone(), action, by }))
    }

    /// Whether it extends to this grant. Fails as [`Access::admit`] does.
    pub fn extends_to(&self, key: &GrantKey) -> Result<(), BrokerError> {
        self.0.as_ref().map_or(Ok(()), |given| given.extends_to(&given.about(key, None)))
    }

    /// Whether it extends to a token of this grant with these scopes. Fails likewise.
    pub fn extends_to_scopes(&self, key: &GrantKey, scopes: &[String]) -> Result<(), BrokerError> {
        self.0.as_ref().map_or(Ok(()), |given| given.extends_to(&given.about(key, Some(scopes))))
    }

    /// Whether it extends to all that a rule allows, in shadow mode too.
    pub(super) fn extends_to_rule(&self, rule: &AccessRule) -> Result<(), BrokerError> {
        let Some(given) = &self.0 else { return Ok(()) };
        let Given { rpc, ref principal, action, .. } = *given;
        let (tenant, provider) = (rule.tenant.asked(), rule.provider.asked());
        let scopes = Some(rule.max_scopes.as_slice());
        let ask = Ask { rpc, principal, action, tenant, provider, scopes };
        match &given.by {
            Some(standing) if standing.policy.rule.allows(&ask) => Ok(()),
            _ => given.access.decide_strictly(&ask),
        }
    }
}

impl Given {
    fn about<'a>(&'a self, key: &'a GrantKey, scopes: Option<&'a [String]>) -> Ask<'a> {
        let Self { rpc, ref principal, action, .. } = *self;
        let (tenant, provider) = (Asked::One(&key.tenant), Asked::One(&key.provider));
        Ask { rpc, principal, action, tenant, provider, scopes }
    }

    /// The policy that gave it is asked first: it has been spent of. What shadow mode has let pass is not told twice.
    fn extends_to(&self, ask: &Ask<'_>) -> Result<(), BrokerError> {
        match &self.by {
            None => Ok(()),
            Some(standing) if standing.policy.rule.allows(ask) => Ok(()),
            Some(_) => self.access.decide(ask).map(drop),
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(Given { principal, action, .. }) => write!(f, "Permit({principal} may {action})"),
            None => f.write_str("Permit(unlimited)"),
        }
    }
}
