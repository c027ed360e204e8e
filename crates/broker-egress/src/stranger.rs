//! Calls to URLs that somebody else chose, such as receivers of webhooks: nothing inside our own walls is called.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method};
use reqwest::{Body, Client, Request, Response, redirect};
use url::{Host, Url};

use crate::screened_resolver::{ForbiddenAddress, ScreenedResolver};
use crate::url_policy::{is_loopback, screen};
use crate::{AddressPolicy, CallTimes, Cause, EgressConfig, EgressSetupError, UrlRefused, tls};

/// Longer `Retry-After` values are not dates or seconds.
const MAX_RETRY_AFTER: usize = 64;

/// What calls to all of them are counted as, without a port: who they are, tenants choose.
const WEBHOOK: &str = "webhook";

/// Idle connections to strangers that are kept, to each of them.
const IDLE_PER_HOST: usize = 1;

/// The door to strangers. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct StrangerEgress {
    client: Client,
    policy: AddressPolicy,
    total_timeout: Duration,
    calls: Arc<CallTimes>,
}

/// JSON for a stranger.
pub struct Post {
    /// Where to. See [`StrangerEgress::check`].
    pub url: Url,
    /// Names, in lower case, and values of headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub json: Vec<u8>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Post({}, {} bytes)", self.url.host_str().unwrap_or("-"), self.json.len())
    }
}

/// An answer with any status, redirects included: they are not followed. Its body is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, where it is short enough to be one.
    pub retry_after: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostFailure {
    /// The name in the URL stands for no address that may be called, or the address in it may not be.
    #[error("the address may not be called")]
    ForbiddenAddress,
    /// Any other reason.
    #[error(transparent)]
    Other(#[from] Cause),
}

impl StrangerEgress {
    /// Opens the door. Does not touch the network.
    ///
    /// HTTP/1.1 only, no redirects, no retries, no cookies, no proxies. Of `config` times, roots and `User-Agent` count.
    pub fn new(config: &EgressConfig, policy: AddressPolicy) -> Result<Self, EgressSetupError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(config.extra_roots_pem.as_deref())?)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(ScreenedResolver(policy.clone()))
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(config.max_idle)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .user_agent(config.user_agent.clone())
            .build()
            .map_err(|error| EgressSetupError::Client(error.to_string()))?;
        let calls = Arc::default();
        Ok(Self { client, policy, total_timeout: config.total_timeout, calls })
    }

    /// The same door, whose calls are counted there, as those of one host.
    #[must_use]
    pub fn counted_in(self, calls: Arc<CallTimes>) -> Self {
        Self { calls, ..self }
    }

    /// How long a call takes at most.
    pub fn longest(&self) -> Duration {
        self.total_timeout
    }

    /// Whether a URL may be called, as far as its text tells: `https`, no user, and no address that may not be called. Plain
    /// `http` is for hosts on this machine, where those may be called.
    pub fn check(&self, url: &Url) -> Result<(), UrlRefused> {
        screen(url)?;
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            // It stands for nothing else, whatever a resolver says (RFC 6761 §6.3).
            _ if is_loopback(url) => Some(std::net::Ipv4Addr::LOCALHOST.into()),
            _ => None,
        };
        match address.is_none_or(|address| self.policy.permits(address)) {
            true => Ok(()),
            false => Err(UrlRefused::ForbiddenAddress),
        }
    }

    /// Sends it, once, and reads the head of the answer.
    pub async fn post(&self, post: Post) -> Result<PostAnswer, PostFailure> {
        self.check(&post.url).map_err(|refused| match refused {
            UrlRefused::ForbiddenAddress => PostFailure::ForbiddenAddress,
            other => PostFailure::Other(other.into()),
        })?;
        let call = self.calls.begin_with(WEBHOOK, None, "POST");
        let response = self.exchange(request(post)?).await;
        let forbidden = Cause::Url(UrlRefused::ForbiddenAddress);
        call.ended(match &response {
            Ok(response) => Ok(response.status().as_u16()),
            Err(PostFailure::Other(cause)) => Err(cause),
            Err(PostFailure::ForbiddenAddress) => Err(&forbidden),
        });
        let response = response?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.filter(|value| value.len() <= MAX_RETRY_AFTER);
        Ok(PostAnswer { status: response.status().as_u16(), retry_after: retry_after.map(str::to_owned) })
    }

    async fn exchange(&self, request: Request) -> Result<Response, PostFailure> {
        let exchange = tokio::time::timeout(self.total_timeout, self.client.execute(request)).await;
        exchange.map_err(|_| Cause::Timeout)?.map_err(|error| failure(&error))
    }
}

fn request(post: Post) -> Result<Request, Cause> {
    let mut request = Request::new(Method::POST, post.url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in post.headers {
        let value = HeaderValue::try_from(value);
        let value = value.map_err(|_| Cause::Request("a header has characters that no header may have"))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    *request.body_mut() = Some(Body::from(post.json));
    Ok(request)
}

fn failure(error: &reqwest::Error) -> PostFailure {
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
    match causes.any(|cause| cause.is::<ForbiddenAddress>()) {
        true => PostFailure::ForbiddenAddress,
        false => PostFailure::Other(Cause::of(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> AddressPolicy {
        AddressPolicy { also: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()] }
    }

    /// Text that may pass, and a name that stands for an address that may not be called.
    #[tokio::test]
    async fn a_name_is_judged_by_what_it_stands_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url =
            format!("http://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
        let door = |resolver| StrangerEgress {
            policy: loopback(),
            total_timeout: Duration::from_millis(300),
            ..StrangerEgress::new(&EgressConfig::default(), resolver).unwrap()
        };
        let post = || Post { url: url.clone(), headers: Vec::new(), json: Vec::new() };
        let refused = door(AddressPolicy::default()).post(post()).await;
        assert_eq!(refused, Err(PostFailure::ForbiddenAddress));
        // Allowed, it is connected to, and says nothing.
        assert_eq!(door(loopback()).post(post()).await, Err(PostFailure::Other(Cause::Timeout)));
    }
}
