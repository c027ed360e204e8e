//! Fakes of the two doors a test must steer: the provider and the escrow.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use broker_core::ports::{
    AuthorizationRequest, CallError, DerivedTokenRequest, DeviceAnswer, DeviceCodes, DeviceRequest,
    Durability, Escrow, EscrowError, EscrowRecord, EscrowRecords, Identified, IdentityRequest, Keep,
    NoBaseUrl, PollRefusal, Presentation, ProviderClient, RawResponse, RevocationAnswer, RevocationRequest,
    RevokedToken, SendGate, TokenOutcome, TokenRequest,
};
use broker_core::{
    EscrowId, FailureKind, ProviderFailure, ProviderProfile, Timestamp, TokenResponse, UpstreamAccount,
};
use broker_crypto::{AccessToken, DeviceCode, ProviderResponse, RefreshToken, UserCode};
use tokio::sync::{Notify, watch};

use crate::base_urls::BaseUrls;
use crate::windows::lives::Lives;

/// What the provider does with the next request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A new pair of tokens.
    Rotate,
    /// A new access token and no refresh token.
    KeepRefreshToken,
    /// The access token it answered last, again.
    SameAccessToken,
    /// No tokens, definitively or not.
    Fail(ProviderFailure),
    /// Rotates, and the answer is lost.
    RotateAndLose,
    /// Rotates, and the process dies before the answer is read.
    RotateAndHang,
    /// No connection.
    Unreachable,
    /// The request is written; then nothing, for ever.
    HangAfterSent,
    /// The gate is never asked; nothing, for ever.
    HangBeforeSent,
    /// The task that asks dies, before the gate is asked.
    PanicBeforeSent,
    /// The request is written; then the task that asks dies.
    PanicAfterSent,
    /// Rotates, and the task that asks dies before the answer is read.
    RotateAndPanic,
    /// Waits until [`FakeProvider::release`], then rotates.
    RotateWhenReleased,
    /// Waits until [`FakeProvider::release`], then gives no tokens.
    FailWhenReleased(FailureKind),
}

pub(crate) fn fail(kind: FailureKind) -> Answer {
    Answer::Fail(ProviderFailure::of(kind))
}

/// A provider that follows a script; when it is at its end, it rotates.
pub(crate) struct FakeProvider {
    pub(crate) profile: ProviderProfile,
    script: Mutex<VecDeque<Answer>>,
    state: Mutex<State>,
    released: Notify,
    arrivals: watch::Sender<usize>,
    scripted_at: AtomicUsize,
    pub(crate) life: Mutex<Option<Duration>>,
    /// How long what it grants lives.
    pub(crate) lives: Mutex<Lives>,
    pub(crate) scopes: Mutex<Option<Vec<String>>>,
    pub(crate) log: Log,
    /// Tokens it was shown for revocation and revoked, in that order.
    pub(crate) revoked: Mutex<Vec<String>>,
    /// How its revocation endpoint answers instead, while it does.
    pub(crate) revocation: Mutex<Option<Unrevoked>>,
    clock: Arc<dyn broker_core::Clock>,
    /// Whose tokens it says it gives; `None`: it does not say.
    account: Mutex<Option<Account>>,
    /// How often it was asked whose a token is.
    pub(crate) asked: AtomicUsize,
    /// Where API calls go.
    pub(crate) base_urls: BaseUrls,
    /// The client secrets it accepts; `None` accepts any.
    accepted: Mutex<Option<Vec<&'static str>>>,
    /// The client secrets it was shown since they were last asked for.
    shown: Mutex<Vec<String>>,
    derived: Mutex<Vec<String>>,
    refuses_to_derive: Mutex<Option<ProviderFailure>>,
}

/// What a provider says of the account behind its tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// It is this one.
    Named(&'static str),
    /// It does not answer at present.
    Unavailable,
    /// It never answers, and the process dies.
    Hangs,
}

/// What a revocation endpoint does that does not revoke.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unrevoked {
    /// Refuses, in this way.
    Fails(FailureKind),
    /// No connection.
    Unreachable,
    /// Revokes, and the process dies before the answer is read.
    RevokesAndHangs,
    /// The process dies before the request is written.
    Hangs,
}

#[derive(Default)]
struct State {
    serial: u64,
    live: String,
    presented: Vec<String>,
    /// When an answer that replaced the live token was lost on its way.
    lost_at: Option<Timestamp>,
    /// Presentations of a replaced token that no lost answer excuses, or that came too soon after it.
    dead_presented: usize,
}

/// The order in which things happened.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    pub(crate) fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    pub(crate) fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Life of an access token that is repeated.
const REPEATED_LIFE: Duration = Duration::from_secs(24 * 3600);

impl FakeProvider {
    pub(crate) fn new(profile: ProviderProfile, log: Log, clock: Arc<dyn broker_core::Clock>) -> Self {
        Self {
            profile,
            script: Mutex::default(),
            state: Mutex::default(),
            released: Notify::new(),
            arrivals: watch::Sender::new(0),
            scripted_at: AtomicUsize::new(0),
            life: Mutex::new(Some(Duration::from_secs(3600))),
            lives: Mutex::default(),
            scopes: Mutex::default(),
            log,
            revoked: Mutex::default(),
            revocation: Mutex::default(),
            clock,
            account: Mutex::default(),
            asked: AtomicUsize::new(0),
            base_urls: BaseUrls::default(),
            accepted: Mutex::default(),
            shown: Mutex::default(),
            derived: Mutex::default(),
            refuses_to_derive: Mutex::default(),
        }
    }

    /// From now on it says so of every token.
    pub(crate) fn tells(&self, account: Account) {
        *self.account.lock().unwrap() = Some(account);
    }

    /// It gave this refresh token to somebody else's program.
    pub(crate) fn has_issued(&self, refresh_token: &str) {
        refresh_token.clone_into(&mut self.state.lock().unwrap().live);
    }

    /// From now on it accepts these client secrets only.
    pub(crate) fn accept(&self, secrets: &[&'static str]) {
        *self.accepted.lock().unwrap() = Some(secrets.to_vec());
    }

    /// The client secrets it was shown since it was last asked.
    pub(crate) fn shown(&self) -> Vec<String> {
        std::mem::take(&mut *self.shown.lock().unwrap())
    }

    /// Notes a client's secret, and whether it is accepted.
    fn accepts(&self, request: &TokenRequest) -> bool {
        let Some(secret) = &request.client.client_secret else { return true };
        self.shown.lock().unwrap().push(secret.expose().to_owned());
        let accepted = self.accepted.lock().unwrap();
        accepted.as_ref().is_none_or(|accepted| accepted.contains(&secret.expose()))
    }

    /// Tokens shown to derive others, and for whom, in order.
    pub(crate) fn derived(&self) -> Vec<String> {
        self.derived.lock().unwrap().clone()
    }

    /// From now on it derives no tokens.
    pub(crate) fn refuse_to_derive(&self, failure: ProviderFailure) {
        *self.refuses_to_derive.lock().unwrap() = Some(failure);
    }

    /// Tokens revoked so far, in order.
    pub(crate) fn revoked(&self) -> Vec<String> {
        self.revoked.lock().unwrap().clone()
    }

    pub(crate) fn does_not_revoke(&self, how: Option<Unrevoked>) {
        *self.revocation.lock().unwrap() = how;
    }

    pub(crate) fn next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.scripted_at.store(*self.arrivals.borrow(), Ordering::SeqCst);
        self.script.lock().unwrap().extend(answers);
    }

    /// Waits for the first request after the script was written.
    pub(crate) async fn reached(&self) {
        let before = self.scripted_at.load(Ordering::SeqCst);
        self.arrivals.subscribe().wait_for(|count| *count > before).await.unwrap();
    }

    /// Forgets what of the script was not used.
    pub(crate) fn unscript(&self) {
        self.script.lock().unwrap().clear();
    }

    /// Tokens presented so far, codes included.
    pub(crate) fn calls(&self) -> usize {
        self.state.lock().unwrap().presented.len()
    }

    /// How often a token was presented after the provider had replaced it, without a lost answer to excuse it.
    pub(crate) fn dead_presented(&self) -> usize {
        self.state.lock().unwrap().dead_presented
    }

    pub(crate) fn release(&self) {
        self.released.notify_one();
    }

    fn rotate(&self) -> String {
        let mut state = self.state.lock().unwrap();
        state.serial += 1;
        state.live = format!("rt-{}", state.serial);
        format!("at-{} {}", state.serial, state.live)
    }

    /// Whether the token presented had been replaced, or never was one.
    fn present(&self, request: &TokenRequest) -> bool {
        let mut state = self.state.lock().unwrap();
        let (token, dead) = match &request.presentation {
            Presentation::RefreshToken(token) => (token.expose().to_owned(), token.expose() != state.live),
            Presentation::AuthorizationCode { code, .. } => (code.expose().to_owned(), false),
            Presentation::DeviceCode(code) => (code.expose().to_owned(), false),
            Presentation::ClientCredentials => ("nothing".to_owned(), false),
        };
        if dead && token.starts_with("rt-") {
            let excused =
                state.lost_at.take().is_some_and(|lost| self.clock.now().since(lost) >= ORPHAN_WAIT);
            state.dead_presented += usize::from(!excused);
        }
        state.presented.push(token);
        dead
    }

    fn repeats(&self) -> bool {
        self.lives.lock().unwrap().policy.repeats
    }

    /// The refresh token stays, and the access token too while it is valid; the answer says how long it still is.
    fn repeat(&self, code: bool, now: Timestamp) -> Result<RawResponse, CallError> {
        let left = self.lives.lock().unwrap().repeated(code, REPEATED_LIFE, now);
        *self.life.lock().unwrap() = Some(left.unwrap_or(REPEATED_LIFE));
        if code {
            return self.answer(self.rotate());
        }
        let mut state = self.state.lock().unwrap();
        state.serial += u64::from(left.is_none());
        let serial = state.serial;
        drop(state);
        self.answer(format!("at-{serial}"))
    }

    /// A rotation whose answer the process never reads.
    fn rotate_and_lose(&self) {
        self.rotate();
        self.state.lock().unwrap().lost_at = Some(self.clock.now());
    }

    fn answer(&self, body: impl Into<Vec<u8>>) -> Result<RawResponse, CallError> {
        Ok(RawResponse {
            status: 200,
            retry_after: None,
            body: ProviderResponse::new(body.into()),
            received_at: self.clock.now(),
        })
    }
}

#[async_trait]
impl ProviderClient for FakeProvider {
    fn profile(&self) -> &ProviderProfile {
        &self.profile
    }

    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> String {
        format!(
            "https://p.example/authorize?state={}&scope={}",
            request.state.expose(),
            request.scopes.join("+")
        )
    }

    async fn call(&self, request: TokenRequest, gate: Arc<dyn SendGate>) -> Result<RawResponse, CallError> {
        if !self.accepts(&request) {
            gate.commit_sent().await.map_err(|refused| CallError::Unsent(refused.to_string()))?;
            self.log.note("sent");
            // Refused before the token is looked at.
            return self.answer(encode(&ProviderFailure::of(FailureKind::ClientRejected)));
        }
        let answer = self.script.lock().unwrap().pop_front().unwrap_or(Answer::Rotate);
        match answer {
            Answer::Unreachable => return Err(CallError::Unsent("refused".into())),
            Answer::HangBeforeSent => {
                self.arrivals.send_modify(|count| *count += 1);
                return std::future::pending().await;
            }
            Answer::PanicBeforeSent => panic!("as the script says"),
            _ => {}
        }
        gate.commit_sent().await.map_err(|refused| CallError::Unsent(refused.to_string()))?;
        self.log.note("sent");
        let dead = self.present(&request);
        self.arrivals.send_modify(|count| *count += 1);
        let code = matches!(request.presentation, Presentation::AuthorizationCode { .. });
        let now = self.clock.now();
        if dead || !self.lives.lock().unwrap().admits(code, now) {
            return self.answer(encode(&ProviderFailure::of(FailureKind::DeadToken)));
        }
        match answer {
            Answer::Rotate if self.repeats() => self.repeat(code, now),
            Answer::Rotate => self.answer(self.rotate()),
            Answer::RotateWhenReleased => {
                self.released.notified().await;
                self.answer(self.rotate())
            }
            Answer::FailWhenReleased(kind) => {
                self.released.notified().await;
                self.answer(encode(&ProviderFailure::of(kind)))
            }
            Answer::KeepRefreshToken => {
                let pair = self.rotate();
                let mut state = self.state.lock().unwrap();
                state.live = state.presented.last().cloned().unwrap();
                drop(state);
                self.answer(pair.split(' ').next().unwrap())
            }
            Answer::SameAccessToken => {
                let serial = self.state.lock().unwrap().serial;
                self.answer(format!("at-{serial}"))
            }
            Answer::Fail(failure) => self.answer(encode(&failure)),
            Answer::RotateAndLose => {
                self.rotate_and_lose();
                Err(CallError::Lost("reset".into()))
            }
            Answer::RotateAndHang => {
                self.rotate_and_lose();
                std::future::pending().await
            }
            Answer::PanicAfterSent => panic!("as the script says"),
            Answer::RotateAndPanic => {
                self.rotate_and_lose();
                panic!("as the script says")
            }
            _ => std::future::pending().await,
        }
    }

    fn interpret(&self, response: &RawResponse) -> TokenOutcome {
        self.log.note("interpret");
        let text = String::from_utf8(response.body.expose().to_vec()).unwrap();
        if let Some(failure) = decode(&text) {
            return TokenOutcome::Failed(failure);
        }
        let (access, refresh) = match text.split_once(' ') {
            Some((access, refresh)) => (access, Some(RefreshToken::new(refresh))),
            None => (text.as_str(), None),
        };
        TokenOutcome::Granted(TokenResponse {
            access_token: AccessToken::new(access),
            refresh_token: refresh,
            token_type: "Bearer".into(),
            expires_in: *self.life.lock().unwrap(),
            scopes: self.scopes.lock().unwrap().clone(),
            api_base_url: self.base_urls.in_answers(),
            window: Default::default(),
        })
    }

    fn offers_device_authorization(&self) -> bool {
        true
    }

    async fn authorize_device(&self, request: DeviceRequest) -> Result<RawResponse, CallError> {
        assert_eq!(request.client.client_id, "client");
        self.answer("device")
    }

    fn interpret_device(&self, _response: &RawResponse) -> DeviceAnswer {
        DeviceAnswer::Begun(DeviceCodes {
            device_code: DeviceCode::new("device-1"),
            user_code: UserCode::new("BDFG-HJKL"),
            verification_uri: "https://p.example/device".into(),
            verification_uri_complete: None,
            expires_in: Duration::from_secs(900),
            interval: Duration::from_secs(5),
        })
    }

    fn poll_refusal(&self, failure: &ProviderFailure) -> PollRefusal {
        match failure.oauth_error.as_deref() {
            Some("authorization_pending") => PollRefusal::Pending,
            Some("slow_down") => PollRefusal::SlowDown,
            Some("access_denied") => PollRefusal::Denied,
            Some("expired_token") => PollRefusal::Expired,
            _ => PollRefusal::Other,
        }
    }

    async fn revoke(
        &self,
        request: RevocationRequest,
        gate: Arc<dyn SendGate>,
    ) -> Result<RawResponse, CallError> {
        let how = *self.revocation.lock().unwrap();
        match how {
            Some(Unrevoked::Unreachable) => return Err(CallError::Unsent("refused".into())),
            Some(Unrevoked::Hangs) => {
                self.arrivals.send_modify(|count| *count += 1);
                return std::future::pending().await;
            }
            _ => {}
        }
        gate.commit_sent().await.map_err(|refused| CallError::Unsent(refused.to_string()))?;
        self.log.note("revoke");
        if let Some(Unrevoked::Fails(kind)) = how {
            return self.answer(encode(&ProviderFailure::of(kind)));
        }
        let token = match &request.token {
            RevokedToken::Refresh(token) => token.expose().to_owned(),
            RevokedToken::Access(token) => token.expose().to_owned(),
        };
        self.revoked.lock().unwrap().push(token);
        self.arrivals.send_modify(|count| *count += 1);
        match how {
            Some(Unrevoked::RevokesAndHangs) => std::future::pending().await,
            _ => self.answer(""),
        }
    }

    fn derives_tokens(&self) -> bool {
        true
    }

    async fn derive_token(&self, request: DerivedTokenRequest<'_>) -> Result<RawResponse, CallError> {
        let mut derived = self.derived.lock().unwrap();
        derived.push(format!("{} for {}", request.access_token.expose(), request.target));
        let serial = derived.len();
        drop(derived);
        match self.refuses_to_derive.lock().unwrap().clone() {
            Some(failure) => self.answer(encode(&failure)),
            None => self.answer(format!("derived-{serial}")),
        }
    }

    fn identifies(&self) -> bool {
        self.account.lock().unwrap().is_some()
    }

    async fn identify(&self, _request: IdentityRequest<'_>) -> Identified {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.log.note("identify");
        let account = *self.account.lock().unwrap();
        match account {
            Some(Account::Named(name)) => Identified::Account(UpstreamAccount::new(name)),
            Some(Account::Unavailable) => Identified::Unavailable("503".into()),
            Some(Account::Hangs) => {
                self.arrivals.send_modify(|count| *count += 1);
                std::future::pending().await
            }
            None => Identified::Unknown,
        }
    }

    fn discovers_base_url(&self) -> bool {
        self.base_urls.are_told()
    }

    async fn discover_base_url(&self, access_token: &AccessToken) -> Result<String, NoBaseUrl> {
        self.log.note("discover");
        self.base_urls.ask(access_token).await
    }

    fn interpret_revocation(&self, response: &RawResponse) -> RevocationAnswer {
        match decode(std::str::from_utf8(response.body.expose()).unwrap()) {
            Some(failure) => RevocationAnswer::Failed(failure),
            None => RevocationAnswer::Revoked,
        }
    }
}

fn encode(failure: &ProviderFailure) -> String {
    let wait = failure.retry_after.map_or(0, |wait| wait.as_secs());
    format!("!{} {wait} {}", failure.kind.as_str(), failure.oauth_error.as_deref().unwrap_or_default())
}

fn decode(text: &str) -> Option<ProviderFailure> {
    let (kind, rest) = text.strip_prefix('!')?.split_once(' ')?;
    let (wait, code) = rest.split_once(' ')?;
    let oauth_error = Some(code.to_owned()).filter(|code| !code.is_empty());
    let wait = wait.parse().ok().filter(|wait| *wait > 0).map(Duration::from_secs);
    Some(ProviderFailure {
        retry_after: wait,
        oauth_error,
        ..ProviderFailure::of(FailureKind::from_name(kind)?)
    })
}

/// A journal in memory.
pub(crate) struct FakeEscrow {
    id: EscrowId,
    records: Mutex<Vec<EscrowRecord>>,
    earlier: Mutex<Vec<EscrowRecord>>,
    pub(crate) full: AtomicBool,
    pub(crate) broken: AtomicBool,
    pub(crate) synced: AtomicUsize,
    pub(crate) log: Log,
}

impl FakeEscrow {
    pub(crate) fn new(log: Log) -> Self {
        Self::of(1, log)
    }

    /// The journal of another replica.
    pub(crate) fn of(replica: u8, log: Log) -> Self {
        Self {
            id: EscrowId::from_bytes([replica; 16]),
            records: Mutex::default(),
            earlier: Mutex::default(),
            full: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            synced: AtomicUsize::new(0),
            log,
        }
    }

    /// What a restarted process finds.
    pub(crate) fn reopen(&self) {
        let records = std::mem::take(&mut *self.records.lock().unwrap());
        self.earlier.lock().unwrap().extend(records);
    }

    /// The bodies of earlier records do not open any more.
    pub(crate) fn spoil_earlier(&self) {
        for record in self.earlier.lock().unwrap().iter_mut() {
            record.status += 1;
        }
    }

    pub(crate) fn earlier_len(&self) -> usize {
        self.earlier.lock().unwrap().len()
    }
}

fn unusable(problem: &str) -> EscrowError {
    EscrowError { problem: problem.into(), source: None }
}

#[async_trait]
impl Escrow for FakeEscrow {
    fn id(&self) -> EscrowId {
        self.id
    }

    async fn reserve(&self) -> Result<(), EscrowError> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(unusable("full")),
            false => Ok(()),
        }
    }

    async fn append(&self, record: &EscrowRecord, durability: Durability) -> Result<(), EscrowError> {
        self.log.note("escrow");
        if self.broken.load(Ordering::SeqCst) {
            return Err(unusable("broken"));
        }
        self.synced.fetch_add(usize::from(durability == Durability::Machine), Ordering::SeqCst);
        self.records.lock().unwrap().push(record.clone());
        Ok(())
    }

    async fn records(&self) -> Result<EscrowRecords, EscrowError> {
        let mut records = self.earlier.lock().unwrap().clone();
        records.extend(self.records.lock().unwrap().iter().cloned());
        Ok(EscrowRecords { records, damaged: 0 })
    }

    async fn compact(&self, keep: &Keep) -> Result<(), EscrowError> {
        let mut earlier = self.earlier.lock().unwrap();
        let newest: HashMap<_, _> =
            earlier.iter().map(|record| (record.attempt.grant_id(), record.attempt.id)).collect();
        earlier.retain(|record| {
            let newest = newest[&record.attempt.grant_id()] == record.attempt.id;
            let recent = keep.newest_since.is_some_and(|since| record.received_at >= since);
            keep.unsettled.contains(&record.attempt.id) || (newest && recent)
        });
        Ok(())
    }
}

/// `Timing::default().orphan_wait`.
const ORPHAN_WAIT: Duration = Duration::from_secs(120);

pub(crate) const START: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
