//! Access policies in the configuration of the broker under test.

/// Everything.
pub const ALL_ACTIONS: &[&str] = &["vend", "consent", "observe", "operate", "administer"];

/// A `[[access.policy]]`; further keys may be appended.
pub fn policy(principal: &str, actions: &[&str], tenant: &str, provider: &str) -> String {
    format!(
        "\n[[access.policy]]\nprincipal = \"{principal}\"\nactions = {actions:?}\ntenant = \"{tenant}\"\n\
         provider = \"{provider}\"\n"
    )
}

/// The section `[access]` of this mode: these policies, and one by which clients that do not say who they are may do
/// everything.
pub(crate) fn section(mode: &str, policies: &str) -> String {
    let operator = policy("dev", ALL_ACTIONS, "*", "*");
    format!("\n[access]\nmode = \"{mode}\"\n{operator}{policies}")
}
