//! A broker in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use broker_proto::client::Clock;
use broker_proto::v1::token_service_server::{TokenService, TokenServiceServer};
use broker_proto::v1::watch_access_tokens_response::Update;
use broker_proto::v1::{
    BatchGetAccessTokensRequest, BatchGetAccessTokensResponse, GetAccessTokenRequest, GetAccessTokenResponse,
    GrantKey, RejectedTokenOutcome, ReportRejectedTokenRequest, ReportRejectedTokenResponse,
    WatchAccessTokensRequest, WatchAccessTokensResponse,
};
use futures_util::stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::LIFE;

type Message = Result<WatchAccessTokensResponse, Status>;

/// What was asked of it, and what it answers.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) gets: Vec<GetAccessTokenRequest>,
    pub(crate) watches: Vec<WatchAccessTokensRequest>,
    pub(crate) reports: Vec<ReportRejectedTokenRequest>,
    /// Every call fails with this.
    pub(crate) outage: Option<Status>,
    /// Calls for a token get no answer.
    pub(crate) is_stuck: bool,
    /// It has no idea when a newer token comes: it hints that the present one is the last.
    pub(crate) hints_at_the_end: bool,
    /// A watch of this user's grant is refused: there is none.
    pub(crate) no_grant_of: Option<String>,
    /// A report brings a newer token.
    pub(crate) refreshes: bool,
    generations: HashMap<String, u64>,
    stream: Option<UnboundedSender<Message>>,
}

/// A handle of it.
#[derive(Clone)]
pub(crate) struct Fake {
    script: Arc<Mutex<Script>>,
    clock: Arc<dyn Clock>,
}

impl Fake {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { script: Arc::default(), clock }
    }

    pub(crate) fn service(&self) -> TokenServiceServer<Self> {
        TokenServiceServer::new(self.clone())
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// A user's token as it is now.
    pub(crate) fn token(&self, user: &str) -> GetAccessTokenResponse {
        let generation = *self.script().generations.entry(user.to_owned()).or_insert(1);
        let now = self.clock.now();
        let secret = format!("secret-{user}-{generation}");
        let hinted = if self.script().hints_at_the_end { LIFE } else { LIFE / 2 };
        GetAccessTokenResponse {
            headers: HashMap::from([("authorization".to_owned(), format!("Bearer {secret}"))]),
            access_token: secret,
            token_type: "Bearer".to_owned(),
            expire_time: Some((now + LIFE).into()),
            refresh_hint_time: Some((now + hinted).into()),
            api_base_url: "https://api.example".to_owned(),
            // A machine credential has none.
            grant_id: if user == "machine" { String::new() } else { format!("grant-of-{user}") },
            generation,
            ..Default::default()
        }
    }

    /// A user's token is rotated; nobody is told.
    pub(crate) fn rotate(&self, user: &str) {
        *self.script().generations.entry(user.to_owned()).or_insert(1) += 1;
    }

    /// Tells a message on the open stream.
    pub(crate) fn tell(&self, key: &GrantKey, update: Update) {
        let key = GrantKey { account: "default".to_owned(), ..key.clone() };
        let message = WatchAccessTokensResponse { key: Some(key), update: Some(update) };
        self.script().stream.as_ref().unwrap().send(Ok(message)).unwrap();
    }

    /// Ends the open stream.
    pub(crate) fn break_stream(&self, status: Status) {
        self.script().stream.take().unwrap().send(Err(status)).unwrap();
    }

    /// Whether a stream is open that somebody listens to.
    pub(crate) fn is_watched(&self) -> bool {
        self.script().stream.as_ref().is_some_and(|stream| !stream.is_closed())
    }

    fn fail(&self) -> Result<(), Status> {
        self.script().outage.clone().map_or(Ok(()), Err)
    }
}

#[tonic::async_trait]
impl TokenService for Fake {
    async fn get_access_token(
        &self,
        request: Request<GetAccessTokenRequest>,
    ) -> Result<Response<GetAccessTokenResponse>, Status> {
        let message = request.into_inner();
        self.script().gets.push(message.clone());
        if self.script().is_stuck {
            std::future::pending::<()>().await;
        }
        let token = self.token(&message.user_id);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.fail()?;
        Ok(Response::new(token))
    }

    async fn batch_get_access_tokens(
        &self,
        _: Request<BatchGetAccessTokensRequest>,
    ) -> Result<Response<BatchGetAccessTokensResponse>, Status> {
        Err(Status::unimplemented("the client does not call it"))
    }

    async fn watch_access_tokens(
        &self,
        request: Request<WatchAccessTokensRequest>,
    ) -> Result<Response<BoxStream<WatchAccessTokensResponse>>, Status> {
        let message = request.into_inner();
        let mut script = self.script();
        script.watches.push(message.clone());
        script.outage.clone().map_or(Ok(()), Err)?;
        if message.keys.iter().any(|key| Some(&key.user_id) == script.no_grant_of.as_ref()) {
            return Err(Status::not_found("no such grant"));
        }
        let (sender, receiver) = unbounded_channel();
        script.stream = Some(sender);
        let next = |mut receiver: UnboundedReceiver<Message>| async move {
            receiver.recv().await.map(|message| (message, receiver))
        };
        Ok(Response::new(Box::pin(stream::unfold(receiver, next))))
    }

    async fn report_rejected_token(
        &self,
        request: Request<ReportRejectedTokenRequest>,
    ) -> Result<Response<ReportRejectedTokenResponse>, Status> {
        let message = request.into_inner();
        let user = message.key.clone().unwrap().user_id;
        self.script().reports.push(message);
        self.fail()?;
        if self.script().refreshes {
            self.rotate(&user);
        }
        let outcome = RejectedTokenOutcome::Refreshed.into();
        Ok(Response::new(ReportRejectedTokenResponse { token: Some(self.token(&user)), outcome }))
    }
}
