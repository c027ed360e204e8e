use std::path::PathBuf;
use std::time::Duration;

use broker_proto::v1::{
    CreateWebhookRequest, CreateWebhookResponse, DeleteWebhookRequest, EventType, GetWebhookRequest,
    ListWebhooksRequest, ListWebhooksResponse, RedeliverWebhookRequest, RotateWebhookSecretRequest,
    RotateWebhookSecretResponse, UpdateWebhookRequest, Webhook, WebhookState,
};
use clap::{Args, Subcommand};
use prost_types::FieldMask;

use super::events::event_type;
use super::pages::{Limit, Page};
use super::webhook_table;
use crate::failure::Failure;
use crate::secret_output::SecretOutput;
use crate::session::Session;
use crate::when::now;

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// Have events sent to a URL from now on
    Create(Create),
    /// List the webhooks of a tenant
    List(Limit),
    /// Show one, without its secret
    Get(Named),
    /// Change where events are sent, which, or the description
    Update(Update),
    /// Send events again; what happens from now on
    Enable(Named),
    /// Send nothing until it is enabled again
    Disable(Named),
    /// Give it another secret; the old one signs too for a while
    RotateSecret(RotateSecret),
    /// Send kept events again
    Redeliver(Redeliver),
    /// Delete one and what waits for it
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its id
    #[arg(long, value_name = "ID")]
    webhook: String,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Where to; https, at a public address
    #[arg(long)]
    url: String,
    /// Only this type, such as grant.expiring; may be given several times
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type)]
    types: Vec<EventType>,
    /// For people
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// New file for the secret, `-` for standard output; it is never shown again
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// UUID that makes a repeated call harmless
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    #[command(flatten)]
    named: Named,
    /// Where to
    #[arg(long)]
    url: Option<String>,
    /// Only this type; may be given several times
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type, conflicts_with = "all_types")]
    types: Vec<EventType>,
    /// All types
    #[arg(long)]
    all_types: bool,
    /// For people
    #[arg(long)]
    description: Option<String>,
    /// Change it only if it still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

#[derive(Debug, Args)]
pub(crate) struct RotateSecret {
    #[command(flatten)]
    named: Named,
    /// For how long the old secret signs too; at most 7 days
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    overlap: Duration,
    /// New file for the secret, `-` for standard output; it is never shown again
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Redeliver {
    #[command(flatten)]
    named: Named,
    /// The first event
    #[arg(long, value_name = "NUMBER")]
    from: u64,
    /// The last one; without it, the newest
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    to: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    named: Named,
    /// Delete it only if it still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

impl Webhooks {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::List(limit) => list(limit, session).await,
            Self::Get(named) => named.get(session).await,
            Self::Update(update) => update.run(session).await,
            Self::Enable(named) => named.set(WebhookState::Enabled, session).await,
            Self::Disable(named) => named.set(WebhookState::Disabled, session).await,
            Self::RotateSecret(rotate) => rotate.run(session).await,
            Self::Redeliver(redeliver) => redeliver.run(session).await,
            Self::Delete(delete) => delete.run(session).await,
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let tenant_id = session.tenant()?;
        let secret = SecretOutput::open(&self.secret_file)?;
        let request = CreateWebhookRequest {
            tenant_id,
            url: self.url,
            event_types: numbers(&self.types),
            description: self.description,
            request_id: self.request_id,
        };
        let CreateWebhookResponse { webhook, signing_secret } =
            match session.admin().create_webhook(session.request(request)).await {
                Ok(answer) => answer.into_inner(),
                Err(status) => {
                    secret.discard();
                    return Err(status.into());
                }
            };
        secret.write(&signing_secret, session.output())?;
        let answer = CreateWebhookResponse { webhook, signing_secret: String::new() };
        let webhook = complete(answer.webhook.as_ref())?;
        session.output().answer(&answer, |_| webhook_table::details(webhook, &now()))
    }
}

async fn list(limit: Limit, session: &Session) -> Result<(), Failure> {
    let tenant_id = session.tenant()?;
    let fetch = async |page: Page| {
        let (tenant_id, page_size, page_token) = (tenant_id.clone(), page.size, page.token);
        let request = session.request(ListWebhooksRequest { tenant_id, page_size, page_token });
        let answer = session.admin().list_webhooks(request).await?.into_inner();
        Ok((answer.webhooks, answer.next_page_token))
    };
    let (webhooks, next_page_token) = limit.read(fetch).await?;
    let answer = ListWebhooksResponse { webhooks, next_page_token };
    session.output().answer(&answer, |answer| webhook_table::list(&answer.webhooks, &now()))
}

impl Named {
    async fn get(self, session: &Session) -> Result<(), Failure> {
        let request = GetWebhookRequest { tenant_id: session.tenant()?, webhook_id: self.webhook };
        let answer = session.admin().get_webhook(session.request(request)).await?.into_inner();
        let webhook = complete(answer.webhook.as_ref())?;
        session.output().answer(&answer, |_| webhook_table::details(webhook, &now()))
    }

    async fn set(self, state: WebhookState, session: &Session) -> Result<(), Failure> {
        let request = UpdateWebhookRequest {
            state: state.into(),
            update_mask: Some(FieldMask { paths: vec!["state".to_owned()] }),
            ..self.update(session)?
        };
        change(request, session).await
    }

    fn update(self, session: &Session) -> Result<UpdateWebhookRequest, Failure> {
        let (tenant_id, webhook_id) = (session.tenant()?, self.webhook);
        Ok(UpdateWebhookRequest { tenant_id, webhook_id, ..Default::default() })
    }
}

impl Update {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let named = [
            ("url", self.url.is_some()),
            ("event_types", self.all_types || !self.types.is_empty()),
            ("description", self.description.is_some()),
        ];
        let paths: Vec<_> =
            named.into_iter().filter(|(_, named)| *named).map(|(path, _)| path.to_owned()).collect();
        if paths.is_empty() {
            return Err(Failure::Usage(
                "nothing to change: give --url, --type, --all-types or --description".to_owned(),
            ));
        }
        let request = UpdateWebhookRequest {
            url: self.url.unwrap_or_default(),
            event_types: numbers(&self.types),
            description: self.description.unwrap_or_default(),
            update_mask: Some(FieldMask { paths }),
            etag: self.etag,
            ..self.named.update(session)?
        };
        change(request, session).await
    }
}

async fn change(request: UpdateWebhookRequest, session: &Session) -> Result<(), Failure> {
    let answer = session.admin().update_webhook(session.request(request)).await?.into_inner();
    let webhook = complete(answer.webhook.as_ref())?;
    session.output().answer(&answer, |_| webhook_table::details(webhook, &now()))
}

impl RotateSecret {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let overlap = prost_types::Duration::try_from(self.overlap);
        let overlap = overlap.map_err(|_| Failure::Usage("--overlap is too long".to_owned()))?;
        let tenant_id = session.tenant()?;
        let secret = SecretOutput::open(&self.secret_file)?;
        let request =
            RotateWebhookSecretRequest { tenant_id, webhook_id: self.named.webhook, overlap: Some(overlap) };
        let RotateWebhookSecretResponse { webhook, signing_secret } =
            match session.admin().rotate_webhook_secret(session.request(request)).await {
                Ok(answer) => answer.into_inner(),
                Err(status) => {
                    secret.discard();
                    return Err(status.into());
                }
            };
        secret.write(&signing_secret, session.output())?;
        let answer = RotateWebhookSecretResponse { webhook, signing_secret: String::new() };
        let webhook = complete(answer.webhook.as_ref())?;
        session.output().answer(&answer, |_| webhook_table::details(webhook, &now()))
    }
}

impl Redeliver {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = RedeliverWebhookRequest {
            tenant_id: session.tenant()?,
            webhook_id: self.named.webhook,
            from_sequence: self.from,
            to_sequence: self.to,
        };
        let answer = session.admin().redeliver_webhook(session.request(request)).await?.into_inner();
        session.output().answer(&answer, |answer| webhook_table::scheduled(answer.scheduled_count))
    }
}

impl Delete {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let webhook_id = self.named.webhook;
        let request = DeleteWebhookRequest {
            tenant_id: session.tenant()?,
            webhook_id: webhook_id.clone(),
            etag: self.etag,
        };
        let answer = session.admin().delete_webhook(session.request(request)).await?.into_inner();
        session.output().answer(&answer, |_| webhook_table::deleted(&webhook_id))
    }
}

fn numbers(types: &[EventType]) -> Vec<i32> {
    types.iter().map(|kind| (*kind).into()).collect()
}

fn complete(webhook: Option<&Webhook>) -> Result<&Webhook, Failure> {
    webhook.ok_or(Failure::Incomplete("webhook"))
}
