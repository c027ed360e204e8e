//! What a caller may do: a policy names a principal, actions, a tenant, a provider, scopes and a rate. What no policy
//! allows is denied. Every policy is kept in memory, so that a decision waits for nothing.

mod action;
mod control;
mod manage;
mod pattern;
mod permit;
mod policy;
mod rate;
mod reach;
mod set;
mod tally;
mod upkeep;

pub use self::action::{AccessAction, ActionSet};
pub use self::control::{Access, AccessSettings, Enforcement};
pub use self::manage::{NewAccessPolicy, PolicyFilter};
pub use self::pattern::PrincipalPattern;
pub use self::permit::Permit;
pub use self::policy::{AccessPolicy, AccessRule, PolicyOrigin, ScopeLimit};
pub use self::rate::{BadRate, RequestRate};
pub use self::reach::{Asked, Reach};
pub use self::set::{Ask, PolicySet};
pub use self::tally::AccessCount;
