//! Asks the authorization server as the broker does, and keeps nothing.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use broker_core::ports::{SendGate, SendRefused};
use broker_egress::{Egress, OneShot};
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

/// What it answers.
#[derive(Deserialize)]
pub struct Pair {
    /// The access token.
    pub access_token: String,
    /// The refresh token that is live from now on.
    pub refresh_token: String,
}

/// Nothing has to be durable.
struct Open;

#[async_trait]
impl SendGate for Open {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        Ok(())
    }
}

/// Posts a form to the token endpoint. Fails unless tokens are answered.
pub async fn present(egress: &Egress, url: &Url, form: String) -> Result<Pair> {
    let shot = OneShot {
        url: url.clone(),
        authorization: Some(Zeroizing::new("Basic YmVuY2g6YmVuY2g=".to_owned())),
        content_type: "application/x-www-form-urlencoded",
        body: Zeroizing::new(form.into_bytes()),
        gate: Arc::new(Open),
    };
    let answer = egress.post_once(shot).await?;
    if answer.status != 200 {
        bail!("the authorization server answers {}", answer.status);
    }
    serde_json::from_slice(&answer.body).context("an answer without tokens")
}
