//! The browser: one plain HTTP request per connection, no redirects followed.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, LOCATION};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Position, Url};

use super::PersonError;

/// What the browser shows.
pub(super) struct Page {
    pub(super) status: u16,
    /// Where a redirect leads.
    pub(super) location: Option<String>,
    pub(super) body: String,
}

pub(super) async fn get(url: &Url) -> Result<Page, PersonError> {
    visit(url, Method::GET, String::new()).await
}

pub(super) async fn post(url: &Url, fields: &[(String, String)]) -> Result<Page, PersonError> {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    visit(url, Method::POST, form).await
}

async fn visit(url: &Url, method: Method, form: String) -> Result<Page, PersonError> {
    let (Some(host), Some(port), "http") = (url.host_str(), url.port_or_known_default(), url.scheme()) else {
        return Err(PersonError::Address(url[..Position::BeforePath].to_owned()));
    };
    let request = Request::builder()
        .method(method)
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(ACCEPT, "text/html")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(CONNECTION, "close")
        .body(Full::new(Bytes::from(form)))
        .map_err(|error| PersonError::Address(error.to_string()))?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(unanswered)?;
    exchange(stream, request).await.map_err(unanswered)
}

async fn exchange(stream: TcpStream, request: Request<Full<Bytes>>) -> hyper::Result<Page> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Page { status: head.status.as_u16(), location, body: String::from_utf8_lossy(&body).into_owned() })
    };
    // The answer tells of every failure that the connection can have.
    let (page, _) = tokio::join!(answer, connection);
    page
}

fn unanswered(error: impl std::error::Error + Send + Sync + 'static) -> PersonError {
    PersonError::Unanswered(Box::new(error))
}
