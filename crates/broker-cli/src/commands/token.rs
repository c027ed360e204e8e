use std::time::Duration;

use broker_proto::v1::{
    GetAccessTokenRequest, GetAccessTokenResponse, ReportRejectedTokenRequest, ServedStaleReason,
};
use clap::{Args, Subcommand};

use super::{short, token_watch};
use crate::cli::Format;
use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::session::Session;
use crate::when::{now, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Get an access token; the table hides it, `-o token` prints nothing else
    Get(Get),
    /// Print each new token of a grant as it is adopted, until interrupted; `-o json` is one line an update, with the token
    Watch,
    /// Tell the broker that a provider answered 401 to a token, and show the one to use now
    Report(Report),
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

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Generation of the rejected token
    #[arg(long)]
    generation: u64,
    /// Status that the provider answered
    #[arg(long, default_value_t = 401)]
    http_status: i32,
    /// What the provider said; never the token
    #[arg(long, default_value = "")]
    detail: String,
}

impl Token {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Get(get) => get.run(session).await,
            Self::Watch => token_watch::run(session).await,
            Self::Report(report) => report.run(session).await,
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
            Format::Token if answer.access_token.is_empty() => Err(Failure::Usage(
                "-o token: an API key is no token; it goes into headers, which -o json shows".to_owned(),
            )),
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

impl Report {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let Self { generation, http_status, detail } = self;
        let key = Some(session.key()?);
        let request = session.request(ReportRejectedTokenRequest { key, generation, http_status, detail });
        let answer = session.token().report_rejected_token(request).await?.into_inner();
        let output = session.output();
        match (output.format(), &answer.token) {
            (Format::Token, Some(token)) => output.text(&format!("{}\n", token.access_token)),
            _ => output.answer(&answer, |answer| {
                let mut table =
                    answer.token.as_ref().map_or_else(Table::default, |token| table(token, false));
                table.fact("outcome", short(answer.outcome().as_str_name(), "REJECTED_TOKEN_OUTCOME_"));
                table
            }),
        }
    }
}

fn table(answer: &GetAccessTokenResponse, show_token: bool) -> Table {
    let now = now();
    let mut table = Table::default();
    if answer.access_token.is_empty() {
        let mut headers: Vec<_> = answer.headers.iter().collect();
        headers.sort();
        for (name, value) in headers {
            table.fact(name, if show_token { value.as_str() } else { "(hidden; --show-token shows it)" });
        }
    } else if show_token {
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
