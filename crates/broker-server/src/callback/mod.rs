//! `GET /oauth/callback/{provider}`: where a provider sends the browser whose consent the broker receives itself.

mod answer;
mod brands;
pub mod pages;
mod span;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::any;
use axum::{Router, middleware};
use broker_core::ports::TraceContext;
use broker_core::{Actor, AuditAction, Broker, BrokerError, ReceivedCallback, RefusedCallback, TenantId};
use tokio::sync::Semaphore;

use self::answer::{answer, not_allowed, refusal, unavailable};
use self::brands::Brands;
use self::pages::{Brand, Language};
use crate::config::PagesConfig;

/// Where browsers are sent.
const ROUTE: &str = "/oauth/callback/{provider}";

/// What a browser sends is no longer than this; codes and states are a few hundred bytes.
const LONGEST_QUERY: usize = 16 * 1024;

/// So many callbacks at once. Each costs one look-up by an index, whether its state is known or not, and the tenant's name one
/// more where it is.
const AT_ONCE: usize = 64;

/// What the handler looks at.
#[derive(Clone)]
struct Callbacks {
    broker: Arc<Broker>,
    brands: Arc<Brands>,
    language: Language,
    room: Arc<Semaphore>,
}

/// The page, for every provider.
pub(crate) fn router(broker: Arc<Broker>, pages: &PagesConfig, traces: Arc<dyn TraceContext>) -> Router {
    let callbacks = Callbacks {
        broker,
        brands: Arc::new(Brands::of(pages)),
        language: pages.language,
        room: Arc::new(Semaphore::new(AT_ONCE)),
    };
    let in_span = middleware::from_fn_with_state(traces, span::in_span);
    Router::new().route(ROUTE, any(receive)).layer(in_span).with_state(callbacks)
}

/// A program that looks at links by HEAD must not use them up, so GET alone is taken.
async fn receive(
    State(callbacks): State<Callbacks>,
    provider: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let language = Language::asked(&headers, callbacks.language);
    if method != Method::GET {
        return not_allowed(language);
    }
    let Ok(_room) = callbacks.room.try_acquire() else { return unavailable(&Brand::default(), language) };
    let provider = provider.map(|Path(provider)| provider).unwrap_or_default();
    match callbacks.take(&provider, query.as_deref().unwrap_or_default()).await {
        Ok(received) => {
            tracing::info!(
                tenant = %received.tenant, provider, authorization = %received.authorization, "callback received"
            );
            let shown_to = Some(&received.tenant).filter(|_| received.return_to.is_none());
            let brand = callbacks.brand(shown_to).await;
            answer(received, &brand, language)
        }
        Err(RefusedCallback { tenant, error }) => {
            let brand = callbacks.brand(tenant.as_ref()).await;
            refusal(&error, &brand, language)
        }
    }
}

impl Callbacks {
    /// Nobody's, where nobody knows whose user came.
    async fn brand(&self, tenant: Option<&TenantId>) -> Brand {
        match tenant {
            Some(tenant) => self.brands.of_tenant(&self.broker, tenant).await,
            None => Brand::default(),
        }
    }

    async fn take(&self, provider: &str, query: &str) -> Result<ReceivedCallback, RefusedCallback> {
        if query.len() > LONGEST_QUERY {
            return Err(BrokerError::InvalidRequest(Vec::new()).into());
        }
        let by = Actor::broker(AuditAction::RECEIVE_CALLBACK);
        self.broker.receive_callback(provider, query, &by).await
    }
}
