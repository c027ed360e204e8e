//! Reading the log.

use broker_core::ports::{EventFilter, EventPage, StoreError};
use broker_core::{
    ConsentCause, Event, EventGrant, EventType, GrantId, ProviderName, RegistrationId, TenantId, WebhookId,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::columns::{generation, key, name, number, time, word};
use crate::operation::failed;

/// A row of a page; the columns of an event are NULL in the only row of a page without any.
struct Row {
    pruned: i64,
    newest: i64,
    sequence: Option<i64>,
    r#type: Option<String>,
    at: Option<i64>,
    tenant: Option<String>,
    provider: Option<String>,
    user_id: Option<String>,
    account: Option<String>,
    grant_id: Option<Uuid>,
    generation: Option<i64>,
    cause: Option<String>,
    dies_at: Option<i64>,
    registration: Option<String>,
    key_id: Option<String>,
    webhook_id: Option<Uuid>,
}

pub(super) async fn page(
    pool: &PgPool,
    filter: &EventFilter,
    after: u64,
    limit: u32,
) -> Result<EventPage, StoreError> {
    let types: Vec<String> = filter.types.iter().map(|kind| kind.as_str().to_owned()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT pruned AS "pruned!", newest AS "newest!", sequence, type, at, tenant, provider, user_id, account,
                  grant_id, generation, cause, dies_at, registration, key_id, webhook_id
           FROM events_after($1, $2, $3, $4)"#,
        filter.tenant.as_ref().map_or("*", TenantId::as_str),
        &types,
        after.cast_signed(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let first = rows.first().ok_or(StoreError::Inconsistent("the log of events has no head"))?;
    let (oldest, newest) = (number(first.pruned + 1, "pruned")?, number(first.newest, "newest")?);
    let events = rows.into_iter().filter_map(|row| Some((row.sequence?, row)));
    Ok(EventPage {
        events: events.map(|(sequence, row)| row.event(sequence)).collect::<Result<_, _>>()?,
        oldest,
        newest,
    })
}

impl Row {
    fn event(mut self, sequence: i64) -> Result<Event, StoreError> {
        let tenant = self.tenant.take().filter(|tenant| !tenant.is_empty());
        let tenant = tenant.map(|tenant| name(tenant, TenantId::new, "tenant")).transpose()?;
        let grant = self.grant(tenant.as_ref())?;
        let provider =
            self.provider.map(|provider| name(provider, ProviderName::new, "provider")).transpose()?;
        let registration =
            self.registration.map(|kept| name(kept, RegistrationId::new, "registration")).transpose()?;
        Ok(Event {
            sequence: number(sequence, "sequence")?,
            event_type: word(&self.r#type.unwrap_or_default(), EventType::from_name, "type")?,
            at: time(self.at).ok_or(StoreError::Inconsistent("at"))?,
            tenant,
            provider,
            grant,
            registration,
            key_id: self.key_id,
            webhook: self.webhook_id.map(|id| WebhookId::from_bytes(id.into_bytes())),
        })
    }

    fn grant(&mut self, tenant: Option<&TenantId>) -> Result<Option<EventGrant>, StoreError> {
        let Some(id) = self.grant_id else { return Ok(None) };
        let missing = || StoreError::Inconsistent("an event of a grant without its key");
        let tenant = tenant.ok_or_else(missing)?.as_str().to_owned();
        let provider = self.provider.clone().ok_or_else(missing)?;
        let user = self.user_id.take().ok_or_else(missing)?;
        let account = self.account.take().ok_or_else(missing)?;
        let cause = self.cause.as_deref().map(|cause| word(cause, ConsentCause::from_name, "cause"));
        Ok(Some(EventGrant {
            id: GrantId::from_bytes(id.into_bytes()),
            key: key([tenant, provider, user, account])?,
            generation: generation(self.generation.ok_or_else(missing)?, "generation")?,
            cause: cause.transpose()?,
            dies_at: time(self.dies_at),
        }))
    }
}
