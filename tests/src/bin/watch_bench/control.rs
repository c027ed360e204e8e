//! The control: what any tonic server takes to present a refresh token and to tell the answer on streams.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use broker_e2e::bench::{Pair, present};
use broker_egress::Egress;
use broker_proto::v1;
use broker_proto::v1::admin_service_server::AdminService;
use broker_proto::v1::token_service_server::TokenService;
use broker_proto::v1::watch_access_tokens_response::Update;
use futures_util::stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};
use url::Url;

type Message = Result<v1::WatchAccessTokensResponse, Status>;

/// A grant that nothing is kept of but what the next presentation needs.
#[derive(Default)]
struct Grant {
    rotations: u64,
    refresh_token: Option<String>,
    streams: Vec<UnboundedSender<Message>>,
}

/// Presents, and tells.
pub(crate) struct Control {
    egress: Egress,
    token_url: Url,
    grants: Mutex<HashMap<String, Grant>>,
}

impl Control {
    pub(crate) fn new(egress: Egress, token_url: Url) -> Self {
        Self { egress, token_url, grants: Mutex::default() }
    }

    fn grants(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Presents the grant's refresh token; the code, where there is none yet.
    async fn present(&self, user: &str) -> Result<Pair> {
        let held = self.grants().get_mut(user).and_then(|grant| grant.refresh_token.take());
        let token = match held {
            Some(token) => token,
            None => {
                let code = user.strip_prefix("user-").context("no user of the benchmark")?;
                let form = format!("grant_type=authorization_code&code=c-{code}");
                present(&self.egress, &self.token_url, form).await?.refresh_token
            }
        };
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        present(&self.egress, &self.token_url, form).await
    }

    fn tell(&self, key: &v1::GrantKey, pair: Pair) {
        let mut grants = self.grants();
        let grant = grants.entry(key.user_id.clone()).or_default();
        grant.rotations += 1;
        grant.refresh_token = Some(pair.refresh_token);
        let told = message(key, grant.rotations, &pair.access_token);
        // One who has left is told nothing.
        grant.streams.retain(|stream| stream.send(Ok(told.clone())).is_ok());
    }
}

fn message(key: &v1::GrantKey, rotations: u64, token: &str) -> v1::WatchAccessTokensResponse {
    let token = v1::GetAccessTokenResponse {
        access_token: token.to_owned(),
        token_type: "Bearer".to_owned(),
        headers: HashMap::from([("authorization".to_owned(), format!("Bearer {token}"))]),
        grant_id: "00000000-0000-0000-0000-000000000000".to_owned(),
        // Generation 1 came with the consent.
        generation: rotations + 1,
        ..Default::default()
    };
    v1::WatchAccessTokensResponse { key: Some(key.clone()), update: Some(Update::Token(token)) }
}

#[tonic::async_trait]
impl TokenService for Control {
    async fn watch_access_tokens(
        &self,
        request: Request<v1::WatchAccessTokensRequest>,
    ) -> Result<Response<BoxStream<v1::WatchAccessTokensResponse>>, Status> {
        let (sender, receiver) = unbounded_channel();
        for key in request.into_inner().keys {
            let mut grants = self.grants();
            let grant = grants.entry(key.user_id.clone()).or_default();
            // The receiver is held here.
            let _ = sender.send(Ok(message(&key, grant.rotations, "")));
            grant.streams.push(sender.clone());
        }
        let next = |mut receiver: UnboundedReceiver<Message>| async move {
            receiver.recv().await.map(|message| (message, receiver))
        };
        Ok(Response::new(Box::pin(stream::unfold(receiver, next))))
    }
}

#[tonic::async_trait]
impl AdminService for Control {
    async fn refresh_grant(
        &self,
        request: Request<v1::RefreshGrantRequest>,
    ) -> Result<Response<v1::RefreshGrantResponse>, Status> {
        let key = request.into_inner().key.ok_or_else(|| Status::invalid_argument("no key"))?;
        let pair = self.present(&key.user_id).await;
        self.tell(&key, pair.map_err(|error| Status::internal(format!("{error:#}")))?);
        Ok(Response::new(v1::RefreshGrantResponse { grant: Some(v1::Grant::default()) }))
    }
}
