//! Revoking what matches a filter.

use crate::ports::GrantFilter;
use crate::{
    Actor, Broker, BrokerError, ConsentCause, GrantKey, Lifecycle, ProviderName, RegistrationId, UserId,
};

/// Grants revoked in one transaction.
const PAGE: u32 = 250;
/// Grants that one call revokes.
const AT_MOST: usize = 10_000;
/// Keys answered.
const SAMPLE: usize = 100;

/// Which grants a call has revoked, or would revoke.
#[derive(Debug, Default)]
pub struct BulkRevocation {
    /// How many.
    pub matched: usize,
    /// The first of them.
    pub sample: Vec<GrantKey>,
    /// More match than one call takes.
    pub more: bool,
}

impl Broker {
    /// Revokes the grants that match, page by page, each page durable before the next is read; the providers are told in
    /// the background. Without lifecycles the filter means those that are not revoked yet. `after` and `limit` of it do
    /// not count. The record of each grant says the filter. When it fails in between, what was revoked stays so: call it again.
    pub async fn revoke_grants(
        &self,
        filter: &GrantFilter,
        dry_run: bool,
        by: &Actor,
    ) -> Result<BulkRevocation, BrokerError> {
        let mut bulk = BulkRevocation::default();
        let mut filter = GrantFilter { after: None, limit: PAGE, ..filter.clone() };
        if filter.lifecycles.is_empty() {
            filter.lifecycles = not_revoked();
        }
        let words = filter_words(&filter);
        loop {
            let grants = self.list_grants(&filter).await?;
            let last_page = grants.len() < PAGE as usize;
            let mut keys: Vec<_> = grants.into_iter().map(|grant| grant.key).collect();
            bulk.more = bulk.matched + keys.len() > AT_MOST;
            keys.truncate(AT_MOST - bulk.matched);
            if !dry_run {
                let record = by.did(Some(&filter.tenant), self.clock.now()).resource(words.as_str());
                self.revoke_all(&keys, &record).await?;
            }
            bulk.matched += keys.len();
            bulk.sample.extend(keys.iter().take(SAMPLE - bulk.sample.len()).cloned());
            if bulk.more || last_page {
                return Ok(bulk);
            }
            // A full page that was not cut short has a last key.
            filter.after = keys.pop();
        }
    }
}

fn not_revoked() -> Vec<Lifecycle> {
    // The cause is not compared.
    let needs_consent = Lifecycle::NeedsConsent(ConsentCause::Revoked);
    vec![Lifecycle::Active, needs_consent, Lifecycle::ConsentExpired]
}

/// The filter in few words, for records: what it names, but for the tenant.
fn filter_words(filter: &GrantFilter) -> String {
    let states: Vec<_> = filter.lifecycles.iter().map(state_word).collect();
    let named = [
        ("provider", filter.provider.as_ref().map(ProviderName::as_str)),
        ("registration", filter.registration.as_ref().map(RegistrationId::as_str)),
        ("user", filter.user.as_ref().map(UserId::as_str)),
    ];
    let named = named.into_iter().filter_map(|(what, name)| Some(format!(" {what}={}", name?)));
    format!("grants states={}{}", states.join(","), named.collect::<String>())
}

fn state_word(lifecycle: &Lifecycle) -> &'static str {
    match lifecycle {
        Lifecycle::Active => "active",
        Lifecycle::NeedsConsent(_) => "needs_consent",
        Lifecycle::ConsentExpired => "consent_expired",
        Lifecycle::Revoking => "revoking",
        Lifecycle::Revoked => "revoked",
    }
}
