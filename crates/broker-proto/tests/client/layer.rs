//! The tower layer.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use broker_proto::client::{CallError, TokenLayer};
use http::{Request, Response};
use tower::{Layer as _, Service};

use crate::{client, key};

/// A provider's API that answers each of these statuses once, and 200 then.
#[derive(Clone, Default)]
struct Api {
    statuses: Arc<Mutex<Vec<u16>>>,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Api {
    fn answering(statuses: &[u16]) -> Self {
        let statuses = Arc::new(Mutex::new(statuses.iter().rev().copied().collect()));
        Self { statuses, ..Self::default() }
    }

    /// Authorization and body of each request.
    fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }
}

impl Service<Request<String>> for Api {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap());
        let authorization = authorization.unwrap_or_default().to_owned();
        self.seen.lock().unwrap().push((authorization, request.into_body()));
        let status = self.statuses.lock().unwrap().pop().unwrap_or(200);
        let response = Response::builder().status(status).header("www-authenticate", "invalid_token");
        ready(Ok(response.body(()).unwrap()))
    }
}

fn request() -> Request<String> {
    Request::post("https://api.example/cameras").body("body".to_owned()).unwrap()
}

#[expect(clippy::ptr_arg, reason = "the body is a String")]
fn copy(body: &String) -> Option<String> {
    Some(body.clone())
}

#[tokio::test(start_paused = true)]
async fn a_401_is_reported_and_sent_once_more_with_the_newer_token() {
    let (client, fake) = client();
    fake.script().refreshes = true;
    for (answers, end) in [(&[401][..], 200), (&[401, 401], 401)] {
        let api = Api::answering(answers);
        let user = format!("user{end}");
        let mut service = TokenLayer::for_key(client.clone(), key(&user)).retrying(copy).layer(api.clone());
        let response = service.call(request()).await.unwrap();
        assert_eq!(response.status(), end);
        let sent = [1, 2].map(|number| (format!("Bearer secret-{user}-{number}"), "body".to_owned()));
        assert_eq!(api.seen(), sent);
    }
    assert_eq!(fake.script().reports.len(), 2, "the second 401 is passed on");
    assert_eq!(fake.script().reports[0].detail, "invalid_token");
}

#[tokio::test(start_paused = true)]
async fn a_403_is_passed_on() {
    let (client, fake) = client();
    let api = Api::answering(&[403]);
    let mut service = TokenLayer::for_key(client, key("ada")).retrying(copy).layer(api.clone());
    assert_eq!(service.call(request()).await.unwrap().status(), 403);
    assert_eq!((api.seen().len(), fake.script().reports.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_copied_is_only_reported() {
    let (client, fake) = client();
    fake.script().refreshes = true;
    let api = Api::answering(&[401]);
    let mut service = TokenLayer::for_key(client.clone(), key("ada")).layer(api.clone());
    assert_eq!(service.call(request()).await.unwrap().status(), 401);
    assert_eq!((api.seen().len(), fake.script().reports.len()), (1, 1));
    assert_eq!(client.token(&key("ada")).await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_newer_token_nothing_is_sent_again() {
    let (client, fake) = client();
    let api = Api::answering(&[401]);
    let mut service = TokenLayer::for_key(client, key("ada")).retrying(copy).layer(api.clone());
    assert_eq!(service.call(request()).await.unwrap().status(), 401);
    assert_eq!((api.seen().len(), fake.script().reports.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_key_is_found_in_the_request() {
    let (client, fake) = client();
    let api = Api::default();
    let of_path = |parts: &http::request::Parts| parts.uri.path().strip_prefix("/of/").map(key);
    let mut service = TokenLayer::new(client, of_path).layer(api.clone());
    for path in ["/of/ada", "/public"] {
        service.call(Request::get(path).body(String::new()).unwrap()).await.unwrap();
    }
    let sent: Vec<_> = api.seen().into_iter().map(|(authorization, _)| authorization).collect();
    assert_eq!(sent, ["Bearer secret-ada-1", ""]);
    assert_eq!(fake.script().gets.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_is_sent() {
    let (client, fake) = client();
    fake.script().outage = Some(tonic::Status::unavailable("down"));
    let api = Api::default();
    let mut service = TokenLayer::for_key(client, key("ada")).layer(api.clone());
    let error = service.call(request()).await.unwrap_err();
    assert!(matches!(error, CallError::Token(_)));
    assert!(api.seen().is_empty());
}
