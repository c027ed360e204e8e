//! Revoking many grants at once.

use broker_core::ports::GrantFilter;
use broker_core::{BrokerError, ProviderName, RegistrationId, UserId};
use broker_proto::v1::{self, GrantState, RevokeGrantsRequest, RevokeGrantsResponse};
use tonic::{Request, Response, Status};

use super::grants::lifecycle;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::message;
use crate::grpc::request::Fields;

impl AdminApi {
    pub(in crate::grpc) async fn revoke_matching(
        &self,
        request: Request<RevokeGrantsRequest>,
    ) -> Result<Response<RevokeGrantsResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let RevokeGrantsRequest { filter, dry_run } = request.into_inner();
        let filter = read_filter(&filter.unwrap_or_default()).map_err(|error| self.statuses.of(&error))?;
        let permit = call.admit_at(&filter.tenant, filter.provider.as_ref());
        permit.map_err(|error| self.statuses.of(&error))?;
        let bulk = self.broker.revoke_grants(&filter, dry_run, call.actor()).await;
        let bulk = bulk.map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %filter.tenant, matched = bulk.matched, dry_run, "grants revoked by a filter"
        );
        Ok(Response::new(RevokeGrantsResponse {
            matched_count: i64::try_from(bulk.matched).unwrap_or(i64::MAX),
            sample: bulk.sample.iter().map(message::grant_key).collect(),
            more: bulk.more,
        }))
    }
}

fn read_filter(filter: &v1::GrantFilter) -> Result<GrantFilter, BrokerError> {
    let mut fields = Fields::below("filter.");
    let tenant = fields.tenant(&filter.tenant_id);
    let provider = fields.optional_name("provider", &filter.provider, ProviderName::new);
    let user = fields.optional_name("user_id", &filter.user_id, UserId::new);
    let registration = fields.optional_name("registration_id", &filter.registration_id, RegistrationId::new);
    // A state this version does not know must not be left out: what remained would match other grants.
    let named = filter.states.iter().map(|state| GrantState::try_from(*state).ok().and_then(lifecycle));
    let lifecycles: Option<Vec<_>> = named.collect();
    if lifecycles.is_none() {
        fields.violation("states", "must name states of the contract");
    }
    let lifecycles = lifecycles.unwrap_or_default();
    let filter = tenant.map(|tenant| GrantFilter {
        tenant,
        provider,
        user,
        registration,
        lifecycles,
        after: None,
        limit: 0,
    });
    fields.finish(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_with_a_state_that_is_not_known_matches_nothing() {
        let filter =
            |states| v1::GrantFilter { tenant_id: "acme".into(), states, ..v1::GrantFilter::default() };
        assert!(read_filter(&filter(vec![])).unwrap().lifecycles.is_empty(), "all that is not revoked");
        assert_eq!(read_filter(&filter(vec![1, 4])).unwrap().lifecycles.len(), 2);
        for unknown in [0, 99] {
            assert!(read_filter(&filter(vec![1, unknown])).is_err(), "{unknown}");
        }
        assert!(read_filter(&v1::GrantFilter::default()).is_err(), "never every tenant's");
    }
}
