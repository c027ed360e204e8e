//! The configured providers.

use std::collections::BTreeMap;

use broker_core::{
    Asked, BreakerStanding, BreakerState, BrokerError, ProviderName, ProviderStanding, RotationMode,
};
use broker_proto::v1::{self, ListProvidersRequest, ListProvidersResponse};
use tonic::{Request, Status};

use super::page::Page;
use super::scheduler::count;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::message::{span, timestamp};
use crate::grpc::page_token;
use crate::grpc::request::Fields;

/// The adapter of each configured provider, by name.
pub(crate) type Adapters = BTreeMap<String, &'static str>;

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListProvidersRequest>,
) -> Result<ListProvidersResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (page, after) = read(request.get_ref()).map_err(api.told())?;
    call.admit(Asked::All, Asked::All).map_err(api.told())?;
    let mut providers =
        api.broker.list_providers(after.as_ref(), page.to_read()).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut providers, |last| page_token::of([last.provider.as_str()]));
    let providers = providers.iter().map(|standing| provider(standing, &api.adapters)).collect();
    Ok(ListProvidersResponse { providers, next_page_token })
}

fn read(message: &ListProvidersRequest) -> Result<(Page, Option<ProviderName>), BrokerError> {
    let mut fields = Fields::default();
    let page = Page::read(&mut fields, message.page_size);
    let after = page_token::parts(&message.page_token)?
        .map(|[name]| ProviderName::new(name).map_err(|_| page_token::foreign()))
        .transpose()?;
    fields.finish(Some((page, after)))
}

fn provider(standing: &ProviderStanding, adapters: &Adapters) -> v1::Provider {
    let (kind, grace) = match standing.profile.rotation {
        RotationMode::Reusable => (v1::RotationKind::Reusable, None),
        RotationMode::Grace(grace) => (v1::RotationKind::Grace, Some(grace)),
        RotationMode::SingleUse(_) => (v1::RotationKind::SingleUse, None),
    };
    v1::Provider {
        provider: standing.provider.to_string(),
        adapter: adapters.get(standing.provider.as_str()).copied().unwrap_or_default().to_owned(),
        circuit_breaker: Some(breaker(&standing.circuit_breaker)),
        fleet_breaker: Some(breaker(&standing.fleet_breaker)),
        rotation_kind: kind.into(),
        grace: grace.map(span),
        in_flight_count: count(standing.in_flight),
        last_success_time: standing.last_success_at.map(timestamp),
    }
}

fn breaker(standing: &BreakerStanding) -> v1::Breaker {
    let state = match standing.state {
        BreakerState::Closed => v1::BreakerState::Closed,
        BreakerState::Open => v1::BreakerState::Open,
        BreakerState::HalfOpen => v1::BreakerState::HalfOpen,
    };
    v1::Breaker {
        state: state.into(),
        open_time: standing.opened_at.map(timestamp),
        retry_time: standing.retry_at.map(timestamp),
        note: standing.note.clone(),
    }
}
