//! The token the broker shows: from a file, or from a login that is repeated before it runs out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use broker_core::{Clock, Timestamp};
use broker_egress::{ApiCall, Egress};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::wire::{self, LogIn, LoggedIn};
use crate::{Address, Failure, KubernetesLogin, Login};

/// Tokens are a hundred characters, those of service accounts a few thousand.
const LONGEST_TOKEN: usize = 32 * 1024;

type Token = Zeroizing<String>;

/// Knows the token at any time.
pub(crate) struct Session {
    login: Login,
    /// Held while somebody logs in: of many one does.
    kept: Mutex<Option<Kept>>,
    clock: Arc<dyn Clock>,
}

struct Kept {
    token: Token,
    /// From then on it is not shown any more; `None` for a token that never runs out.
    until: Option<Timestamp>,
}

impl Session {
    pub(crate) fn new(login: Login, clock: Arc<dyn Clock>) -> Self {
        Self { login, kept: Mutex::default(), clock }
    }

    /// The token to show.
    pub(crate) async fn token(&self, egress: &Egress, address: &Address) -> Result<Token, Failure> {
        match &self.login {
            Login::TokenFile(path) => read(path).await,
            Login::Kubernetes(login) => self.kept_or_new(login, egress, address).await,
        }
    }

    /// Another token than the one that was refused, if there is one.
    pub(crate) async fn other_than(
        &self,
        refused: &Token,
        egress: &Egress,
        address: &Address,
    ) -> Result<Option<Token>, Failure> {
        {
            let mut kept = self.kept.lock().await;
            *kept = kept.take().filter(|kept| kept.token != *refused);
        }
        let token = self.token(egress, address).await?;
        Ok(Some(token).filter(|token| token != refused))
    }

    async fn kept_or_new(
        &self,
        login: &KubernetesLogin,
        egress: &Egress,
        address: &Address,
    ) -> Result<Token, Failure> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.until.is_none_or(|until| now < until)) {
            return Ok(kept.token.clone());
        }
        let NewToken { token, lease } = log_in(login, egress, address).await?;

        *kept = Some(Kept { token: token.clone(), until: lease.map(|lease| now + lease * 2 / 3) });
        Ok(token)
    }
}

/// What a login brings.
struct NewToken {
    token: Token,
    lease: Option<Duration>,
}

async fn log_in(login: &KubernetesLogin, egress: &Egress, address: &Address) -> Result<NewToken, Failure> {
    let jwt = read(login.token_file()).await?;
    let body = wire::json(&LogIn { role: login.role(), jwt: &jwt }, jwt.len().max(login.role().len()));
    let call = ApiCall {
        url: address.of_login(login.auth_mount()),
        headers: crate::client::headers(address, None),
        body: Some(body),
    };
    let answer = egress.call(call).await?;
    match answer.status {
        200 => {
            let LoggedIn { auth } = wire::read(&answer.body, "to the login")?;
            let lease = Some(auth.lease_duration).filter(|seconds| *seconds > 0).map(Duration::from_secs);
            Ok(NewToken { token: auth.client_token.0, lease })
        }
        status @ (400 | 401 | 403 | 404) => Err(Failure::LoginRefused(status)),
        status => Err(Failure::of_answer(status, &[])),
    }
}

/// A token out of its file.
async fn read(path: &Path) -> Result<Token, Failure> {
    let no_token = |problem: String| Failure::NoToken { path: path.to_owned(), problem };
    let content = tokio::fs::read(path).await.map(Zeroizing::new);
    let content = content.map_err(|error| no_token(error.to_string()))?;
    let text = std::str::from_utf8(&content).map(str::trim).unwrap_or_default();
    match text.bytes().all(|b| b.is_ascii_graphic()) && (1..=LONGEST_TOKEN).contains(&text.len()) {
        true => Ok(Zeroizing::new(text.to_owned())),
        false => Err(no_token("there is no token in it, on one line and nothing else".to_owned())),
    }
}
