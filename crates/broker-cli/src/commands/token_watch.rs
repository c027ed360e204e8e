use broker_proto::json::to_json;
use broker_proto::v1::watch_access_tokens_response::Update;
use broker_proto::v1::{WatchAccessTokensRequest, WatchAccessTokensResponse};

use super::short;
use crate::cli::Format;
use crate::failure::Failure;
use crate::session::Session;
use crate::when::{now, when};

/// Prints what is told of one grant until the stream ends, which it does with an error.
pub(crate) async fn run(session: &Session) -> Result<(), Failure> {
    let request = WatchAccessTokensRequest { keys: vec![session.key()?], ..Default::default() };
    let mut stream = session.token().watch_access_tokens(request).await?.into_inner();
    while let Some(told) = stream.message().await? {
        print(session, &told)?;
    }
    Ok(())
}

fn print(session: &Session, told: &WatchAccessTokensResponse) -> Result<(), Failure> {
    let output = session.output();
    match (output.format(), &told.update) {
        (Format::Token, Some(Update::Token(token))) => output.text(&format!("{}\n", token.access_token)),
        (Format::Token, _) => Ok(()),
        (Format::Json, _) => output.text(&format!("{}\n", to_json(told)?)),
        (Format::Yaml, _) => output.document(&to_json(told)?),
        (Format::Table, Some(update)) => output.text(&format!("{}\n", line(update))),
        (Format::Table, None) => Ok(()),
    }
}

/// Never with a token in it.
fn line(update: &Update) -> String {
    match update {
        Update::Token(token) => {
            let expires = when(token.expire_time.as_ref(), &now());
            format!("token of generation {}, expires {expires}", token.generation)
        }
        Update::Invalidation(dead) => {
            let cause = short(dead.cause().as_str_name(), "INVALIDATION_CAUSE_");
            format!("generation {} and older are dead: {cause}", dead.generation)
        }
        Update::State(state) => {
            let name = short(state.state().as_str_name(), "GRANT_STATE_");
            format!("grant is {name} at generation {}", state.generation)
        }
    }
}
