use std::time::Duration;

use broker_proto::v1::{GetAccessTokenRequest, GetAccessTokenResponse, ServedStaleReason};
use clap::{Args, Subcommand};

use super::short;
use crate::cli::Format;
use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::session::Session;
use crate::when::{now, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Get an access token; the table hides it, `-o token` prints nothing else
    Get(Get),
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// How long the token must still be valid. Default: what the broker thinks right (60s)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    min_validity: Option<Duration>,
    /// A scope that the token must have; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// What the token is for; the broker logs it with the vend at level debug
    #[arg(long, default_value = "brokerctl token get")]
    purpose: String,
    /// Show the token in the table
    #[arg(long)]
    show_token: bool,
}

impl Token {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Get(get) => get.run(session).await,
        }
    }
}

impl Get {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let show_token = self.show_token;
        let request = session.request(self.into_request(session)?);
        let answer = session.token().get_access_token(request).await?.into_inner();
        let output = session.output();
        match output.format() {
            Format::Token => output.text(&format!("{}\n", answer.access_token)),
            Format::Table | Format::Json | Format::Yaml => {
                output.answer(&answer, |answer| table(answer, show_token))
            }
        }
    }

    fn into_request(self, session: &Session) -> Result<GetAccessTokenRequest, Failure> {
        let min_validity = self.min_validity.map(prost_types::Duration::try_from).transpose();
        Ok(GetAccessTokenRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            user_id: session.user()?,
            account: session.account(),
            min_validity: min_validity
                .map_err(|_| Failure::Usage("--min-validity is too long".to_owned()))?,
            required_scopes: self.scopes,
            purpose: self.purpose,
        })
    }
}

fn table(answer: &GetAccessTokenResponse, show_token: bool) -> Table {
    let now = now();
    let mut table = Table::default();
    if show_token {
        table.fact("token", &answer.access_token);
    } else {
        table.fact("token", "(hidden; --show-token or -o token shows it)");
    }
    table.fact("type", &answer.token_type);
    table.fact("expires", when(answer.expire_time.as_ref(), &now));
    table.fact("scopes", answer.scopes.join(" "));
    table.fact("api base url", &answer.api_base_url);
    table.fact("generation", answer.generation.to_string());
    table.fact("grant", &answer.grant_id);
    table.fact("grant expires", when(answer.grant_expire_time.as_ref(), &now));
    table.fact("newer expected", when(answer.refresh_hint_time.as_ref(), &now));
    table.fact("freshness", freshness(answer.served_stale_reason()));
    table
}

fn freshness(reason: ServedStaleReason) -> Cell {
    match reason {
        ServedStaleReason::Unspecified => Cell::toned("fresh", Tone::Good),
        stale => {
            let reason = short(stale.as_str_name(), "SERVED_STALE_REASON_");
            Cell::toned(format!("stale ({reason})"), Tone::Warning)
        }
    }
}
