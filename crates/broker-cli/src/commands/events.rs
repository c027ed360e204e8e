use std::time::Duration;

use broker_proto::json::to_json;
use broker_proto::v1::event_service_client::EventServiceClient;
use broker_proto::v1::{Event, EventType, WatchEventsRequest};
use clap::{Args, Subcommand};
use tonic::{Code, Status};

use super::short;
use crate::cli::Format;
use crate::failure::Failure;
use crate::session::Session;

/// Pauses before the broker is called again, the last one again and again.
const PAUSES: [u64; 5] = [0, 1, 2, 5, 15];

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// Print what happens as it happens; without --tenant, at every tenant. Goes on where it was after a broken connection
    Watch(Watch),
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The first event; without it, what happens from now on. 0 is the oldest that is kept
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// Only this type, such as grant.expiring; may be given several times
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type)]
    types: Vec<EventType>,
    /// End after so many events
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
}

impl Events {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Watch(watch) => watch.run(session).await,
        }
    }
}

impl Watch {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut request = WatchEventsRequest {
            from_sequence: self.from.unwrap_or_default(),
            only_new: self.from.is_none(),
            tenant_id: session.any_tenant().unwrap_or_else(|| "*".to_owned()),
            types: self.types.iter().map(|kind| (*kind).into()).collect(),
        };
        let (mut left, mut broken, mut got_through) = (self.limit.unwrap_or(u64::MAX), 0, false);
        while left > 0 {
            let before = request.from_sequence;
            let error = match follow(session, &mut request, &mut left).await {
                Ok(()) => continue,
                Err(Follow::Failed(failure)) => return Err(failure),
                Err(Follow::Broken(error)) => error,
            };
            let went_on = request.from_sequence > before;
            got_through |= went_on;
            if !got_through {
                return Err((*error).into());
            }
            broken = if went_on { 0 } else { broken + 1 };
            session.output().remark(&format!("the stream broke ({}); calling again", error.message()));
            let pause = PAUSES.get(broken).or(PAUSES.last()).copied().unwrap_or_default();
            tokio::time::sleep(Duration::from_secs(pause)).await;
        }
        Ok(())
    }
}

/// Why a stream ended.
enum Follow {
    Broken(Box<Status>),
    Failed(Failure),
}

impl From<Status> for Follow {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::Unavailable | Code::Unknown | Code::Cancelled => Self::Broken(Box::new(status)),
            _ => Self::Failed(status.into()),
        }
    }
}

/// Prints events until the stream ends or enough are printed; `request` then goes on where it ended.
async fn follow(session: &Session, request: &mut WatchEventsRequest, left: &mut u64) -> Result<(), Follow> {
    let mut events = EventServiceClient::new(session.connection());
    let mut stream = events.watch_events(request.clone()).await?.into_inner();
    while let Some(message) = stream.message().await? {
        request.from_sequence = message.next_sequence;
        request.only_new = false;
        let Some(event) = message.event else { continue };
        print(session, &event).map_err(Follow::Failed)?;
        *left -= 1;
        if *left == 0 {
            return Ok(());
        }
    }
    Err(Follow::Broken(Box::new(Status::unavailable("the broker ended it"))))
}

fn print(session: &Session, event: &Event) -> Result<(), Failure> {
    let output = session.output();
    match output.format() {
        Format::Yaml => output.document(&to_json(event)?),
        Format::Json => output.text(&format!("{}\n", to_json(event)?)),
        Format::Table | Format::Token => output.text(&format!("{}\n", line(event))),
    }
}

/// One line: place, time, type, and what it is about.
fn line(event: &Event) -> String {
    let time = event.time.map(|time| time.to_string()).unwrap_or_default();
    let mut about = vec![event.tenant_id.clone(), event.provider.clone()];
    if let Some(key) = &event.key {
        about.extend([key.user_id.clone(), key.account.clone()]);
    }
    about.extend([event.registration_id.clone(), event.key_id.clone(), event.webhook_id.clone()]);
    let about = about.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let cause = short(event.needs_consent_cause().as_str_name(), "NEEDS_CONSENT_CAUSE_");
    let kind = type_name(event.r#type());
    format!("{:<8} {time}  {kind:<22} {about} {cause}", event.sequence).trim_end().to_owned()
}

/// A type as webhooks spell it: the first word, a dot, the others.
pub(super) fn type_name(kind: EventType) -> String {
    short(kind.as_str_name(), "EVENT_TYPE_").to_lowercase().replacen('_', ".", 1)
}

pub(super) fn event_type(text: &str) -> Result<EventType, String> {
    let known = (1..).map_while(|number| EventType::try_from(number).ok());
    let names: Vec<_> = known.clone().map(type_name).collect();
    known
        .into_iter()
        .find(|kind| type_name(*kind) == text)
        .ok_or_else(|| format!("is none of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_in_webhooks() {
        assert_eq!(event_type("grant.needs_consent"), Ok(EventType::GrantNeedsConsent));
        assert_eq!(event_type("webhook.disabled"), Ok(EventType::WebhookDisabled));
        assert!(event_type("grant.lost").unwrap_err().contains("grant.revoked"));
    }
}
