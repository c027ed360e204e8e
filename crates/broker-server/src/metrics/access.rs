//! What access policies refuse.

use broker_core::Access;

use super::Family;

pub(super) fn families(access: &Access) -> Vec<Family> {
    let refusals = Family::counter(
        "token_broker.access_refusals",
        "Calls that no policy allows, or that are over their rate",
    );
    let refusals = access.refusals().into_iter().fold(refusals, |family, refused| {
        let labels = [("action", refused.action.as_str()), ("outcome", refused.outcome)];
        family.point(labels, refused.count)
    });
    let policies = access.policies().policies().count();
    vec![refusals, Family::gauge("token_broker.access_policies", "Access policies in force").value(policies)]
}
