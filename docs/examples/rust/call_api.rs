//! Asks the token broker for a user's token and calls the provider's API with it.
//!
//! usage: call_api BROKER TENANT PROVIDER USER URL
//!
//! BROKER and URL are `http://` URLs here. For a broker that wants to know its callers, give the endpoint a
//! `ClientTlsConfig`; see docs/authentication.md.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use broker_proto::error::BrokerError;
use broker_proto::v1::token_service_client::TokenServiceClient;
use broker_proto::v1::{GetAccessTokenRequest, GetAccessTokenResponse, GrantKey, ReportRejectedTokenRequest};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::Request;
use url::Url;

/// A call waits for a refresh at most this long.
const DEADLINE: Duration = Duration::from_secs(35);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()).await {
        Ok(told) => {
            #[expect(clippy::print_stdout, reason = "this is the program's output")]
            {
                println!("{told}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Vec<String>) -> anyhow::Result<String> {
    let [broker, tenant_id, provider, user_id, url] =
        arguments.try_into().ok().context("usage: call_api BROKER TENANT PROVIDER USER URL")?;
    let url = Url::parse(&url).context("URL is not one")?;
    let mut tokens = TokenServiceClient::connect(broker).await.context("the broker is not there")?;
    let key = GrantKey { tenant_id, provider, user_id, account: String::new() };
    let mut token = tokens.get_access_token(ask(&key)).await.map_err(told)?.into_inner();
    let mut status = call_api(&url, &token).await?;
    if status == 401 {
        // The provider took the token back early. Say so, once, and go on with what the broker answers.
        let report = tokens.report_rejected_token(report(key, token.generation)).await.map_err(told)?;
        token = report.into_inner().token.context("the broker answered no token")?;
        status = call_api(&url, &token).await?;
    }
    Ok(format!("{status} with generation {}", token.generation))
}

fn ask(key: &GrantKey) -> Request<GetAccessTokenRequest> {
    let GrantKey { tenant_id, provider, user_id, account } = key.clone();
    let purpose = "example".to_owned();
    let ask = GetAccessTokenRequest { tenant_id, provider, user_id, account, purpose, ..Default::default() };
    within_deadline(ask)
}

fn report(key: GrantKey, generation: u64) -> Request<ReportRejectedTokenRequest> {
    let report =
        ReportRejectedTokenRequest { key: Some(key), generation, http_status: 401, ..Default::default() };
    within_deadline(report)
}

fn within_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// The broker's error, with its reason.
fn told(status: tonic::Status) -> BrokerError {
    BrokerError::from_status(&status)
}

/// The status of a GET with exactly the headers that the broker said.
async fn call_api(url: &Url, token: &GetAccessTokenResponse) -> anyhow::Result<u16> {
    let (Some(host), Some(port), "http") = (url.host_str(), url.port_or_known_default(), url.scheme()) else {
        bail!("this example calls http:// URLs only; use an HTTP client with TLS");
    };
    let stream = TcpStream::connect((host, port)).await.context("the API is not there")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut request = http::Request::get(url.path()).header("host", format!("{host}:{port}"));
    for (name, value) in &token.headers {
        request = request.header(name, value);
    }
    let answering = sender.send_request(request.body(Empty::<Bytes>::new())?);
    let answer = tokio::select! {
        answer = answering => answer?,
        ended = connection => bail!("the API closed the connection: {ended:?}"),
    };
    Ok(answer.status().as_u16())
}
