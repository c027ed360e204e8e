//! TokenService: vending.

use std::sync::Arc;
use std::time::Duration;

use broker_core::{AuditRecord, BrokerError, FieldViolation, Recorder, VendRequest, Vendor};
use broker_proto::v1::batch_get_access_tokens_result::Result as BatchResult;
use broker_proto::v1::token_service_server::TokenService;
use broker_proto::v1::{
    BatchGetAccessTokensRequest, BatchGetAccessTokensResponse, BatchGetAccessTokensResult,
    GetAccessTokenRequest, GetAccessTokenResponse,
};
use futures_util::future::join_all;
use prost::Message;
use tonic::{Request, Response, Status};
use tonic_types::pb;

use super::access::{Call, Guard};
use super::request::Fields;
use super::status::Statuses;
use super::{deadline, message};

const DEFAULT_MIN_VALIDITY: Duration = Duration::from_secs(60);
/// Above half of a token's life it counts as half of it, so that a larger one is surely a mistake.
const LONGEST_MIN_VALIDITY: Duration = Duration::from_secs(30 * 24 * 3600);
const MAX_BATCH: usize = 256;

pub(super) struct TokenApi {
    vendor: Arc<Vendor>,
    guard: Guard,
    statuses: Statuses,
    recorder: Arc<Recorder>,
}

impl TokenApi {
    pub(super) fn new(
        vendor: Arc<Vendor>,
        guard: Guard,
        statuses: Statuses,
        recorder: Arc<Recorder>,
    ) -> Self {
        Self { vendor, guard, statuses, recorder }
    }

    async fn vend(
        &self,
        message: &GetAccessTokenRequest,
        wait: Option<Duration>,
        call: &Call<'_>,
    ) -> Result<GetAccessTokenResponse, BrokerError> {
        let request = read(message, wait, call)?;
        self.recorder.accepts_vends()?;
        let vended = self.vendor.vend(&request).await?;
        self.recorder.vended(call.actor(), &vended, &message.purpose).await?;
        tracing::debug!(
            principal = %call.principal(), tenant = %request.key.tenant, provider = %request.key.provider,
            grant = %vended.grant.grant.id, generation = vended.grant.grant.generation.get(),
            purpose = message.purpose, stale = vended.stale.is_some(), "token vended"
        );
        Ok(message::token(&vended))
    }

    /// The status of a request of a batch that failed. It is recorded here: the batch as a whole succeeds.
    fn refused(&self, request: &GetAccessTokenRequest, call: &Call<'_>, error: &BrokerError) -> Status {
        let status = self.statuses.of(error);
        let GetAccessTokenRequest { tenant_id, provider, user_id, account, .. } = request;
        let key = Fields::default().key(tenant_id, provider, user_id, account);
        let record = call.record(key.as_ref(), &status, self.recorder.now());
        self.recorder.refused(&AuditRecord { purpose: request.purpose.clone(), ..record });
        status
    }
}

#[tonic::async_trait]
impl TokenService for TokenApi {
    async fn get_access_token(
        &self,
        request: Request<GetAccessTokenRequest>,
    ) -> Result<Response<GetAccessTokenResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let token = self.vend(request.get_ref(), wait, &call).await;
        token.map(Response::new).map_err(|error| self.statuses.of(&error))
    }

    async fn batch_get_access_tokens(
        &self,
        request: Request<BatchGetAccessTokensRequest>,
    ) -> Result<Response<BatchGetAccessTokensResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let requests = &request.get_ref().requests;
        if requests.is_empty() || requests.len() > MAX_BATCH {
            let problem = format!("must be 1 to {MAX_BATCH} requests, but are {}", requests.len());
            let violation = FieldViolation::new("requests", problem);
            return Err(self.statuses.of(&BrokerError::InvalidRequest(vec![violation])));
        }
        let call = &call;
        let results = requests.iter().map(|one| async move {
            let result = match self.vend(one, wait, call).await {
                Ok(token) => BatchResult::Token(token),
                Err(error) => BatchResult::Status(as_message(&self.refused(one, call, &error))),
            };
            BatchGetAccessTokensResult { result: Some(result) }
        });
        Ok(Response::new(BatchGetAccessTokensResponse { results: join_all(results).await }))
    }
}

fn read(
    message: &GetAccessTokenRequest,
    wait: Option<Duration>,
    call: &Call<'_>,
) -> Result<VendRequest, BrokerError> {
    let mut fields = Fields::default();
    let key = fields.key(&message.tenant_id, &message.provider, &message.user_id, &message.account);
    let min_validity =
        fields.duration("min_validity", message.min_validity, DEFAULT_MIN_VALIDITY, LONGEST_MIN_VALIDITY);
    fields.at_most("purpose", &message.purpose, 256);
    fields.scopes("required_scopes", &message.required_scopes);
    let (key, min_validity) = fields.finish(key.zip(min_validity))?;
    let permit = call.admit_to(&key)?;
    Ok(VendRequest { key, min_validity, required_scopes: message.required_scopes.clone(), wait, permit })
}

/// The status as a message inside a batch. The details of a status are an encoded `google.rpc.Status` already.
fn as_message(status: &Status) -> pb::Status {
    let details = pb::Status::decode(status.details()).map(|status| status.details).unwrap_or_default();
    pb::Status { code: status.code().into(), message: status.message().to_owned(), details }
}
