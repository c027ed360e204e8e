//! TokenService: vending, watching, and reports of rejected tokens.

use std::sync::Arc;
use std::time::Duration;

use broker_core::{AuditRecord, BrokerError, FieldViolation, GrantKey, VendRequest, Vendor};
use broker_proto::v1::batch_get_access_tokens_result::Result as BatchResult;
use broker_proto::v1::token_service_server::TokenService;
use broker_proto::v1::{
    BatchGetAccessTokensRequest, BatchGetAccessTokensResponse, BatchGetAccessTokensResult,
    GetAccessTokenRequest, GetAccessTokenResponse, ReportRejectedTokenRequest, ReportRejectedTokenResponse,
    WatchAccessTokensRequest,
};
use futures_util::future::join_all;
use prost::Message;
use tonic::{Request, Response, Status};
use tonic_types::pb;

use super::access::{Call, Guard};
use super::recording::Recording;
use super::request::{Fields, grant_key};
use super::status::Statuses;
use super::watch::{TokenStream, Watches};
use super::{deadline, given, machine_message, message, rejected};

const DEFAULT_MIN_VALIDITY: Duration = Duration::from_secs(60);
/// Above half of a token's life it counts as half of it, so that a larger one is surely a mistake.
const LONGEST_MIN_VALIDITY: Duration = Duration::from_secs(30 * 24 * 3600);
const MAX_BATCH: usize = 256;

pub(super) struct TokenApi {
    vendor: Arc<Vendor>,
    guard: Guard,
    statuses: Statuses,
    recording: Recording,
    watches: Watches,
}

impl TokenApi {
    pub(super) fn new(
        vendor: Arc<Vendor>,
        guard: Guard,
        statuses: Statuses,
        recording: Recording,
        watches: Watches,
    ) -> Self {
        Self { vendor, guard, statuses, recording, watches }
    }

    /// The token asked for, recorded and counted.
    pub(super) async fn vend(
        &self,
        message: &GetAccessTokenRequest,
        wait: Option<Duration>,
        call: &Call<'_>,
    ) -> Result<GetAccessTokenResponse, BrokerError> {
        self.recording.counted(&message.provider, self.vend_recorded(message, wait, call).await)
    }

    async fn vend_recorded(
        &self,
        message: &GetAccessTokenRequest,
        wait: Option<Duration>,
        call: &Call<'_>,
    ) -> Result<GetAccessTokenResponse, BrokerError> {
        let request = read(message, wait, call)?;
        let began = self.recording.recorder.now();
        self.recording.recorder.accepts_vends()?;
        let vended = match self.vendor.vend(&request).await {
            Err(refusal @ (BrokerError::GrantNotFound | BrokerError::ConsentRequired(_))) => {
                let vended = self.vend_machine_credential(&request, message, call).await;
                return vended.map_err(|error| none_held(refusal, error));
            }
            vended => vended?,
        };
        self.recording.vended(call.actor(), &vended, &message.purpose).await?;
        call.gave(given::of_grant(&vended, began));
        Ok(message::token(&vended))
    }

    async fn report(
        &self,
        message: ReportRejectedTokenRequest,
        wait: Option<Duration>,
        call: &Call<'_>,
    ) -> Result<ReportRejectedTokenResponse, BrokerError> {
        let (report, what) = rejected::read(message, wait, call)?;
        let began = self.recording.recorder.now();
        self.recording.recorder.accepts_vends()?;
        let (vended, outcome) = self.vendor.report_rejected(&report).await?;
        self.recording.reported(call.actor(), &vended, what).await?;
        call.gave(given::of_grant(&vended, began));
        tracing::info!(
            principal = %call.principal(), tenant = %report.key.tenant, provider = %report.key.provider,
            grant = %vended.grant.grant.id, generation = report.generation.get(), http_status = report.http_status,
            ?outcome, "a token was reported as rejected"
        );
        Ok(rejected::answer(&vended, outcome))
    }

    /// Where the key has no grant, or a revoked one, it may have a machine credential.
    async fn vend_machine_credential(
        &self,
        request: &VendRequest,
        message: &GetAccessTokenRequest,
        call: &Call<'_>,
    ) -> Result<GetAccessTokenResponse, BrokerError> {
        let vended = self.vendor.vend_machine_credential(request).await?;
        self.recording.machine_credential_vended(call.actor(), &vended, &message.purpose).await?;
        call.gave(given::of_machine(&vended));
        Ok(machine_message::vended(&vended))
    }

    /// The status of a request that failed inside a call that as a whole succeeds, such as a batch. It is recorded here.
    pub(super) fn refused(
        &self,
        request: &GetAccessTokenRequest,
        call: &Call<'_>,
        error: &BrokerError,
    ) -> Status {
        let key = key_of(request);
        let status = self.statuses.about(error, key.as_ref());
        let record = call.record(key.as_ref(), &status, self.recording.recorder.now());
        self.recording.recorder.refused(&AuditRecord { purpose: request.purpose.clone(), ..record });
        status
    }
}

#[tonic::async_trait]
impl TokenService for TokenApi {
    async fn watch_access_tokens(
        &self,
        request: Request<WatchAccessTokensRequest>,
    ) -> Result<Response<TokenStream>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        self.statuses.answer(self.watches.open(request.get_ref(), &call).await)
    }

    async fn report_rejected_token(
        &self,
        request: Request<ReportRejectedTokenRequest>,
    ) -> Result<Response<ReportRejectedTokenResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let reported = self.report(request.get_ref().clone(), wait, &call).await;
        let key = || grant_key(request.get_ref().key.clone()).ok();
        reported.map(Response::new).map_err(|error| self.statuses.about(&error, key().as_ref()))
    }

    async fn get_access_token(
        &self,
        request: Request<GetAccessTokenRequest>,
    ) -> Result<Response<GetAccessTokenResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let token = self.vend(request.get_ref(), wait, &call).await;
        let key = || key_of(request.get_ref());
        token.map(Response::new).map_err(|error| self.statuses.about(&error, key().as_ref()))
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
        let results = join_all(results).await;
        let refused = results.iter().filter(|one| matches!(one.result, Some(BatchResult::Status(_)))).count();
        call.was_batch(results.len(), refused);
        Ok(Response::new(BatchGetAccessTokensResponse { results }))
    }
}

/// The key a request names, if it does.
fn key_of(request: &GetAccessTokenRequest) -> Option<GrantKey> {
    Fields::default().key(&request.tenant_id, &request.provider, &request.user_id, &request.account)
}

/// Without a machine credential what was said of the grant stands.
fn none_held(of_grant: BrokerError, of_machine: BrokerError) -> BrokerError {
    match of_machine {
        BrokerError::GrantNotFound => of_grant,
        error => error,
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
