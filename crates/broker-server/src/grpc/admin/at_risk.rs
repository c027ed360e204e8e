//! Grants that will die.

use std::time::Duration;

use broker_core::ports::AtRiskFilter;
use broker_core::{BrokerError, GrantId, ProviderName, Timestamp};
use broker_proto::v1::{ListAtRiskGrantsRequest, ListAtRiskGrantsResponse};
use tonic::{Request, Status};

use super::page::Page;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::request::Fields;
use crate::grpc::{message, page_token};

/// How far a caller may look ahead.
const FURTHEST: Duration = Duration::from_secs(10 * 366 * 86_400);

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListAtRiskGrantsRequest>,
) -> Result<ListAtRiskGrantsResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let now = api.audit.recorder.now();
    let (filter, page) = read_filter(request.get_ref(), now).map_err(api.told())?;
    call.admit_at(&filter.tenant, filter.provider.as_ref()).map_err(api.told())?;
    let mut grants = api.broker.at_risk_grants(&filter).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut grants, |last| {
        let dies_at = last.dies_at.map_or(0, Timestamp::as_unix_micros).to_string();
        // The time it was asked up to stays that of the first page.
        let until = filter.until.as_unix_micros().to_string();
        page_token::of([until.as_str(), dies_at.as_str(), &last.id.to_string()])
    });
    Ok(ListAtRiskGrantsResponse { next_page_token, grants: grants.iter().map(message::grant).collect() })
}

fn read_filter(
    message: &ListAtRiskGrantsRequest,
    now: Timestamp,
) -> Result<(AtRiskFilter, Page), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.optional_name("provider", &message.provider, ProviderName::new);
    let within = fields.duration("within", message.within, Duration::ZERO, FURTHEST);
    if within == Some(Duration::ZERO) {
        fields.violation("within", "must be set, and longer than zero");
    }
    let page = Page::read(&mut fields, message.page_size);
    let limit = page.to_read();
    let continued = page_token::parts(&message.page_token)?.map(read_last).transpose()?;
    let after = continued.map(|(_, last)| last);
    let filter = tenant.zip(within).map(|(tenant, within)| {
        let until = continued.map_or(now + within, |(until, _)| until);
        AtRiskFilter { tenant, provider, until, after, limit }
    });
    fields.finish(filter.map(|filter| (filter, page)))
}

/// Up to when the page before was asked, and its last grant.
fn read_last([until, dies_at, id]: [String; 3]) -> Result<(Timestamp, (Timestamp, GrantId)), BrokerError> {
    let time = |text: &str| text.parse().map(Timestamp::from_unix_micros).map_err(|_| page_token::foreign());
    let id = GrantId::parse(&id).ok_or_else(page_token::foreign)?;
    Ok((time(&until)?, (time(&dies_at)?, id)))
}
