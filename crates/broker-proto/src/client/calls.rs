//! The calls of the broker.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};
use tonic::{Request, Status, Streaming};

use super::again::again;
use super::options::Jitter;
use crate::v1::token_service_client::TokenServiceClient;
use crate::v1::{
    GetAccessTokenRequest, GetAccessTokenResponse, ReportRejectedTokenRequest, ReportRejectedTokenResponse,
    WatchAccessTokensRequest, WatchAccessTokensResponse,
};

/// gRPC has no longer deadlines than eight digits of hours.
const LONGEST_TOLD: Duration = Duration::from_secs(99_999_999 * 3600);

/// The broker, whatever the way to it.
#[async_trait]
pub(super) trait Calls: Send + Sync {
    async fn get(&self, message: GetAccessTokenRequest) -> Result<GetAccessTokenResponse, Status>;
    async fn report(
        &self,
        message: ReportRejectedTokenRequest,
    ) -> Result<ReportRejectedTokenResponse, Status>;
    /// Opens a stream. It lasts as long as it likes; the opening does not.
    async fn watch(
        &self,
        message: WatchAccessTokensRequest,
    ) -> Result<Streaming<WatchAccessTokensResponse>, Status>;
}

/// Calls over a service of tonic.
pub(super) struct Caller<S> {
    client: TokenServiceClient<S>,
    deadline: Duration,
    jitter: Jitter,
}

impl<S> Caller<S>
where
    S: GrpcService<Body>,
    S::Error: Into<StdError>,
    S::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <S::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    pub(super) fn new(service: S, deadline: Duration, jitter: Jitter) -> Self {
        Self { client: TokenServiceClient::new(service), deadline, jitter }
    }
}

#[async_trait]
impl<S> Calls for Caller<S>
where
    S: GrpcService<Body> + Clone + Send + Sync + 'static,
    S::Error: Into<StdError>,
    S::Future: Send,
    S::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <S::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    async fn get(&self, message: GetAccessTokenRequest) -> Result<GetAccessTokenResponse, Status> {
        let answer = again(&self.jitter, || {
            let (mut client, message) = (self.client.clone(), within(message.clone(), self.deadline));
            async move { client.get_access_token(message).await }
        });
        Ok(timeout(self.deadline, answer).await.map_err(|_| too_late())??.into_inner())
    }

    async fn report(
        &self,
        message: ReportRejectedTokenRequest,
    ) -> Result<ReportRejectedTokenResponse, Status> {
        let answer = again(&self.jitter, || {
            let (mut client, message) = (self.client.clone(), within(message.clone(), self.deadline));
            async move { client.report_rejected_token(message).await }
        });
        Ok(timeout(self.deadline, answer).await.map_err(|_| too_late())??.into_inner())
    }

    async fn watch(
        &self,
        message: WatchAccessTokensRequest,
    ) -> Result<Streaming<WatchAccessTokensResponse>, Status> {
        let mut client = self.client.clone();
        let answer = client.watch_access_tokens(message);
        Ok(timeout(self.deadline, answer).await.map_err(|_| too_late())??.into_inner())
    }
}

/// The broker learns the deadline, too: it does not work for who has gone.
fn within<M>(message: M, deadline: Duration) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(deadline.min(LONGEST_TOLD));
    request
}

fn too_late() -> Status {
    Status::deadline_exceeded("the broker did not answer in time")
}
