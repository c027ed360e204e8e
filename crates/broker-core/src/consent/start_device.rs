//! Starting an authorization on another device (RFC 8628 §3.1): the provider gives the codes, the broker polls.

use std::fmt;
use std::time::Duration;

use broker_crypto::{AuthorizationState, CodeVerifier, KeyPurpose, Place, UserCode};

use super::scope::check_scopes;
use super::start::StartRequest;
use crate::ports::{
    CallError, DeviceAnswer, DeviceCodes, DeviceRequest, ProviderClient, RegistrationFilter, StartOutcome,
};
use crate::{
    Actor, Authorization, AuthorizationId, AuthorizationProblem, AuthorizationStatus, Broker, BrokerError,
    ClientRegistration, DeviceAuthorization, FailureKind, FieldViolation, LineageId, Polling,
    ProviderFailure, Timestamp,
};

/// As many registrations of a tenant at one provider are looked through for one that allows it.
const LOOKED_AT: u32 = 256;

/// A device authorization was started. `Debug` shows no code.
pub struct DeviceStarted {
    /// Its id.
    pub id: AuthorizationId,
    /// What the user enters.
    pub user_code: UserCode,
    /// Where the user enters it.
    pub verification_uri: String,
    /// The same with the code in it, if the provider has such a link.
    pub verification_uri_complete: Option<UserCode>,
    /// How often the broker polls the provider at most.
    pub interval: Duration,
    /// When the codes lapse.
    pub expires_at: Timestamp,
}

impl Broker {
    /// Starts an authorization whose user is at another device. From then on the broker polls. The request's
    /// `login_hint` is not used: RFC 8628 has none.
    pub async fn start_device_authorization(
        &self,
        request: &StartRequest,
        by: &Actor,
    ) -> Result<DeviceStarted, BrokerError> {
        let key = &request.key;
        let provider = self.provider(&key.provider)?;
        check_scopes(&request.scopes, "scopes")
            .map_err(|violation| BrokerError::InvalidRequest(vec![violation]))?;
        if !provider.offers_device_authorization() {
            return Err(BrokerError::InvalidRequest(vec![FieldViolation::new(
                "provider",
                "has no device authorization endpoint; `device_authorization_url` names one",
            )]));
        }
        self.refuse_if_deleting(&key.tenant).await?;
        let registration = self.registration_for_devices(request).await?;
        let scopes = self.scopes_to_ask(&key.provider, &request.scopes, &registration)?;
        request.permit.extends_to_scopes(key, &scopes)?;
        let codes = self.ask_for_codes(provider.as_ref(), &registration, &scopes).await?;
        self.keep_device_authorization(request, registration, scopes, codes, by).await
    }

    /// The registration an authorization would use, if that allows it; where none was named, else the first that does.
    async fn registration_for_devices(
        &self,
        request: &StartRequest,
    ) -> Result<ClientRegistration, BrokerError> {
        let chosen = self
            .registration_to_use(&request.key, request.registration.as_ref())
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        if chosen.allow_device_authorization || request.registration.is_some() {
            return Some(chosen)
                .filter(|chosen| chosen.allow_device_authorization)
                .ok_or(BrokerError::NoClientRegistration);
        }
        let filter = RegistrationFilter {
            tenant: request.key.tenant.clone(),
            provider: Some(request.key.provider.clone()),
            after: None,
            limit: LOOKED_AT,
        };
        let all = self.tenants.list_registrations(&filter).await?;
        let allowed = all.into_iter().find(|registration| registration.allow_device_authorization);
        allowed.ok_or(BrokerError::NoClientRegistration)
    }

    /// Asks the provider, with each client secret in turn while they are refused.
    async fn ask_for_codes(
        &self,
        provider: &dyn ProviderClient,
        registration: &ClientRegistration,
        scopes: &[String],
    ) -> Result<DeviceCodes, BrokerError> {
        let mut trying = registration.clone();
        for _ in 1..trying.secrets.len() {
            match self.ask_once(provider, &trying, scopes).await? {
                DeviceAnswer::Failed(failure)
                    if matches!(
                        failure.kind,
                        FailureKind::ClientRejected | FailureKind::UnlabelledRefusal
                    ) =>
                {
                    trying.secrets.rotate_left(1);
                }
                answer => return self.begun(answer, registration),
            }
        }
        let answer = self.ask_once(provider, &trying, scopes).await?;
        self.begun(answer, registration)
    }

    async fn ask_once(
        &self,
        provider: &dyn ProviderClient,
        registration: &ClientRegistration,
        scopes: &[String],
    ) -> Result<DeviceAnswer, BrokerError> {
        let client = self.credentials(registration).await?;
        let call = provider.authorize_device(DeviceRequest { client, scopes: scopes.to_vec() });
        let failed = |kind| DeviceAnswer::Failed(ProviderFailure::of(kind));
        Ok(match self.within(Some(self.timing.attempt_budget), call).await {
            Some(Ok(response)) => provider.interpret_device(&response),
            Some(Err(CallError::Unsent(reason))) => {
                tracing::info!(reason, "a device authorization could not be asked for");
                failed(FailureKind::Unreachable)
            }
            Some(Err(CallError::Lost(reason))) => {
                tracing::info!(reason, "the answer to a device authorization was lost");
                failed(FailureKind::Uncertain)
            }
            None => failed(FailureKind::Uncertain),
        })
    }

    fn begun(
        &self,
        answer: DeviceAnswer,
        registration: &ClientRegistration,
    ) -> Result<DeviceCodes, BrokerError> {
        let failure = match answer {
            DeviceAnswer::Begun(codes) => return Ok(codes),
            DeviceAnswer::Failed(failure) => failure,
        };
        tracing::warn!(
            tenant = %registration.tenant, provider = %registration.provider, failure = failure.kind.as_str(),
            oauth_error = failure.oauth_error, http_status = failure.http_status,
            "a device authorization was refused"
        );
        Err(match failure.kind {
            FailureKind::ClientRejected | FailureKind::UnlabelledRefusal => {
                BrokerError::ClientRegistrationRejected(registration.id.clone())
            }
            FailureKind::DeadToken | FailureKind::Refused => {
                BrokerError::AuthorizationInvalid(AuthorizationProblem::ProviderError)
            }
            FailureKind::Internal => {
                BrokerError::Internal("the device authorization could not be asked for".into())
            }
            FailureKind::Throttled | FailureKind::Unreachable | FailureKind::Uncertain => {
                BrokerError::ProviderUnavailable(failure.retry_after.unwrap_or(self.timing.retry_base))
            }
        })
    }

    async fn keep_device_authorization(
        &self,
        request: &StartRequest,
        registration: ClientRegistration,
        scopes: Vec<String>,
        codes: DeviceCodes,
        by: &Actor,
    ) -> Result<DeviceStarted, BrokerError> {
        let key = &request.key;
        let keys = self.keys.of(&key.tenant).await?;
        let to_verifier = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Rotation).await?;
        let to_code = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Rotation).await?;
        let now = self.clock.now();
        let id = AuthorizationId::generate(now, self.entropy.as_ref());
        let owner = id.to_string();
        let place = || Place { tenant: key.tenant.as_str(), owner: &owner, generation: 0 };
        let entropy = self.entropy.as_ref();
        let device = DeviceAuthorization {
            code: to_code.seal(&codes.device_code, place(), entropy)?,
            polling: Polling::first(codes.interval, now),
        };
        let authorization = Authorization {
            id,
            key: key.clone(),
            lineage: LineageId::generate(now, entropy),
            // Nobody comes back with a callback: the state is told to nobody, and the verifier shown to nobody.
            redirect_uri: String::new(),
            state_digest: AuthorizationState::generate(entropy).digest(),
            verifier: to_verifier.seal(&CodeVerifier::generate(entropy), place(), entropy)?,
            registration: registration.id,
            scopes,
            status: AuthorizationStatus::Pending,
            created_at: now,
            expires_at: now + codes.expires_in,
            allow_account_change: request.allow_account_change,
            import: None,
            hosted: None,
        };
        let record = authorization.record(by, now);
        match self.consents.start_device_authorization(&authorization, &device, &record).await? {
            StartOutcome::Started => Ok(DeviceStarted {
                id,
                user_code: codes.user_code,
                verification_uri: codes.verification_uri,
                verification_uri_complete: codes.verification_uri_complete,
                interval: codes.interval,
                expires_at: authorization.expires_at,
            }),
            StartOutcome::OverQuota(quota) => Err(BrokerError::QuotaExceeded(quota)),
            StartOutcome::HasMachineCredential => Err(BrokerError::AlreadyExists("machine credential")),
        }
    }
}

impl fmt::Debug for DeviceStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceStarted({}, [redacted])", self.id)
    }
}
