//! Importing a refresh token that was obtained elsewhere: it begins a lineage, as a consent does.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::{AuthorizationState, CodeVerifier, KeyPurpose, Place, RefreshToken};

use super::brought::Brought;
use super::repeat::Repeated;
use super::scope::check_scopes;
use crate::ports::{ImportOutcome, NewImport, REQUESTS_KEPT, RequestMark};
use crate::{
    Actor, Authorization, AuthorizationId, AuthorizationProblem, AuthorizationStatus, Broker, BrokerError,
    ClientRegistration, ConsentCause, FieldViolation, Grant, GrantKey, Import, LineageId, Permit,
    RegistrationId, RequestId, RotationMode, Timestamp,
};

/// Hands over a refresh token that was obtained elsewhere. From then on nobody else may use it.
pub struct ImportRequest {
    /// The grant it is to make.
    pub key: GrantKey,
    /// The registration that obtained it; `None` for the one of the existing grant, else the tenant's first.
    pub registration: Option<RegistrationId>,
    /// The token.
    pub refresh_token: RefreshToken,
    /// Redeem it before it is accepted. Otherwise the grant's first refresh does.
    pub verify: bool,
    /// The granted scopes; empty means the registration's.
    pub scopes: Vec<String>,
    /// When the user consented; `None` for now.
    pub consented_at: Option<Timestamp>,
    /// Replace a grant of another upstream account.
    pub allow_account_change: bool,
    /// The caller's id of the request, if it may be repeated.
    pub request: Option<RequestId>,
    /// How long the caller waits; `None` for the default.
    pub wait: Option<Duration>,
    /// Leave of the caller to import it.
    pub permit: Permit,
}

impl Broker {
    /// Makes a grant of a refresh token, or replaces the lineage of the one that is there.
    ///
    /// Fails with [`BrokerError::DuplicateToken`] where an active grant of the tenant began with the token,
    /// and with [`BrokerError::ConsentRequired`] where the provider says that it is dead.
    pub async fn import_grant(
        self: &Arc<Self>,
        request: ImportRequest,
        by: &Actor,
    ) -> Result<Grant, BrokerError> {
        let mut import = self.new_import(&request).await?;
        let record = import.authorization.record(by, import.authorization.created_at);
        let authorization = loop {
            match self.consents.start_import(&import, &record).await? {
                ImportOutcome::Started => break import.authorization,
                ImportOutcome::Repeated(before) => match self.repeated_import(&request.key, before).await? {
                    Repeated::Made(grant) => return Ok(*grant),
                    Repeated::Waits(authorization) => break *authorization,
                    Repeated::MayBeginAnew => import.replaces = Some(before),
                },
                ImportOutcome::IdReused => return Err(id_reused()),
                ImportOutcome::Duplicate => return Err(BrokerError::DuplicateToken),
                ImportOutcome::OverQuota(quota) => return Err(BrokerError::QuotaExceeded(quota)),
            }
        };
        let brought = match request.verify {
            true => Brought::RefreshToken(request.refresh_token),
            false => Brought::UnredeemedToken(request.refresh_token),
        };
        self.exchange(authorization, brought, request.wait, by).await.map_err(import_error)
    }

    async fn new_import(&self, request: &ImportRequest) -> Result<NewImport, BrokerError> {
        let key = &request.key;
        let may_be_shared = self.provider(&key.provider)?.profile().rotation == RotationMode::Reusable;
        self.check_import(request).await?;
        self.refuse_if_deleting(&key.tenant).await?;
        self.keys.of(&key.tenant).await?;
        let registration = self.registration_to_use(key, request.registration.as_ref()).await?;
        let registration = registration.ok_or(BrokerError::NoClientRegistration)?;
        let scopes = self.scopes_to_ask(&key.provider, &request.scopes, &registration)?;
        request.permit.extends_to_scopes(key, &scopes)?;
        let authorization = self.import_authorization(request, registration, scopes).await?;
        let mark = request.request.map(|id| mark(id, request, &authorization));
        Ok(NewImport { authorization, may_be_shared, request: mark, replaces: None })
    }

    async fn check_import(&self, request: &ImportRequest) -> Result<(), BrokerError> {
        let mut violations: Vec<_> = check_scopes(&request.scopes, "scopes").err().into_iter().collect();
        violations.extend(self.check_consent_time(request)?);
        let held = self.grants.vendable(&request.key).await?;
        let pinned = held.and_then(|held| held.grant.pinned_account());
        if pinned.is_some() && !request.verify && !request.allow_account_change {
            let problem = "must be true: the account of the existing grant is known, and that of a token which is not \
                           redeemed is not; or set allow_account_change";
            violations.push(FieldViolation::new("verify", problem));
        }
        match violations.is_empty() {
            true => Ok(()),
            false => Err(BrokerError::InvalidRequest(violations)),
        }
    }

    /// A window that is over cannot be entered.
    fn check_consent_time(&self, request: &ImportRequest) -> Result<Option<FieldViolation>, BrokerError> {
        let (Some(at), now) = (request.consented_at, self.clock.now()) else { return Ok(None) };
        let window = self.provider(&request.key.provider)?.profile().authorization_expires_in;
        let problem = match window {
            _ if at > now => "must not lie in the future",
            Some(window) if now.since(at) >= window => {
                "lies further back than the provider lets a grant live; the user must consent again"
            }
            _ => return Ok(None),
        };
        Ok(Some(FieldViolation::new("consent_time", problem)))
    }

    async fn import_authorization(
        &self,
        request: &ImportRequest,
        registration: ClientRegistration,
        scopes: Vec<String>,
    ) -> Result<Authorization, BrokerError> {
        let (key, now) = (request.key.clone(), self.clock.now());
        let keys = self.keys.of(&key.tenant).await?;
        let right = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Rotation).await?;
        let of = (&key.tenant, &key.provider);
        let fingerprint = self.fingerprints.refresh_token(of, &request.refresh_token).await?;
        let id = AuthorizationId::generate(now, self.entropy.as_ref());
        let owner = id.to_string();
        let place = Place { tenant: key.tenant.as_str(), owner: &owner, generation: 0 };
        // Nobody learns this state or presents this verifier: no callback can complete an import.
        let state = AuthorizationState::generate(self.entropy.as_ref());
        let verifier = CodeVerifier::generate(self.entropy.as_ref());
        Ok(Authorization {
            id,
            lineage: LineageId::generate(now, self.entropy.as_ref()),
            redirect_uri: registration.redirect_uri,
            registration: registration.id,
            scopes,
            state_digest: state.digest(),
            verifier: right.seal(&verifier, place, self.entropy.as_ref())?,
            status: AuthorizationStatus::Pending,
            created_at: now,
            expires_at: now + REQUESTS_KEPT,
            allow_account_change: request.allow_account_change,
            hosted: None,
            import: Some(Import { fingerprint, consented_at: request.consented_at.unwrap_or(now) }),
            key,
        })
    }
}

fn mark(id: RequestId, request: &ImportRequest, authorization: &Authorization) -> RequestMark {
    let key = &request.key;
    let fingerprint = authorization.import.map_or([0; 32], |import| import.fingerprint.0);
    let parts = [
        key.provider.to_string(),
        key.user.to_string(),
        key.account.to_string(),
        request.registration.as_ref().map_or_else(String::new, ToString::to_string),
        request.scopes.join(" "),
        request.consented_at.map_or_else(String::new, |at| at.to_string()),
        format!("{} {}", request.verify, request.allow_account_change),
        fingerprint.iter().map(|byte| format!("{byte:02x}")).collect(),
    ];
    RequestMark::new(id, "ImportGrant", &parts.each_ref().map(String::as_str), authorization.created_at)
}

fn id_reused() -> BrokerError {
    let problem = "was used for another request within a day; send a new one";
    BrokerError::InvalidRequest(vec![FieldViolation::new("request_id", problem)])
}

/// To the provider an import is a refresh: the user has to consent, not to start again.
pub(super) fn import_error(error: BrokerError) -> BrokerError {
    match error {
        BrokerError::AuthorizationInvalid(AuthorizationProblem::CodeRefused) => {
            BrokerError::ConsentRequired(ConsentCause::Revoked)
        }
        BrokerError::AuthorizationInvalid(AuthorizationProblem::DuplicateToken) => {
            BrokerError::DuplicateToken
        }
        other => other,
    }
}
