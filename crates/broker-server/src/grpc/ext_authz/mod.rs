//! Envoy's external authorization: the token goes onto the request, and no service behind Envoy ever sees it.

mod answer;
mod naming;
mod refusal;

use std::sync::Arc;

use broker_core::{AccessAction, BrokerError, Principal, PrincipalPattern};
use broker_proto::external_authorization::authorization_server::Authorization;
use broker_proto::external_authorization::{AttributeContext, CheckRequest, CheckResponse};
use tonic::{Request, Response, Status};

use self::naming::Naming;
use super::access::{Call, Governed, Guard};
use super::status::Statuses;
use super::token_service::TokenApi;
use super::{caller, deadline};
use crate::config::ExtAuthzConfig;

impl Governed for CheckRequest {
    const ACTION: AccessAction = AccessAction::Vend;
    const SERVICE: &'static str = "Authorization";
}

/// What answers Envoy.
pub(super) struct ExtAuthzApi {
    tokens: Arc<TokenApi>,
    guard: Guard,
    statuses: Statuses,
    naming: Naming,
    /// The callers who may say for whom they ask.
    trusted: Vec<PrincipalPattern>,
}

impl ExtAuthzApi {
    pub(super) fn new(
        tokens: Arc<TokenApi>,
        guard: Guard,
        statuses: Statuses,
        config: ExtAuthzConfig,
    ) -> Result<Self, String> {
        let trusted = config.trusted()?;
        Ok(Self { tokens, guard, statuses, naming: Naming::new(config), trusted })
    }

    /// The call of whom the policies are asked about: the caller, or whom a trusted caller has verified. A trusted one that
    /// names nobody is nobody.
    fn call(
        &self,
        request: &Request<CheckRequest>,
    ) -> Result<(Call<'_>, Result<(), BrokerError>), BrokerError> {
        let caller = caller::principal(request)?;
        if !self.trusted.iter().any(|pattern| pattern.matches(caller.as_str())) {
            return Ok((self.guard.call_by(caller, request), Ok(())));
        }
        let source = request.get_ref().attributes.as_ref().and_then(|attributes| attributes.source.as_ref());
        match source.and_then(|source| Principal::new(&source.principal)) {
            Some(source) => Ok((self.guard.call_by(source, request), Ok(()))),
            None => Ok((self.guard.call_by(caller, request), Err(BrokerError::CallerUnknown))),
        }
    }

    async fn answer(&self, request: &Request<CheckRequest>) -> Result<CheckResponse, BrokerError> {
        let (call, known) = self.call(request)?;
        let wait = deadline::wait(request.metadata());
        let nothing = AttributeContext::default();
        let attributes = request.get_ref().attributes.as_ref().unwrap_or(&nothing);
        let wanted = self.naming.wanted(attributes);
        let vended = match (known, &wanted) {
            (Err(error), _) => Err(error),
            (Ok(()), Ok(message)) => self.tokens.vend(message, wait, &call).await,
            (Ok(()), Err(violation)) => Err(BrokerError::InvalidRequest(vec![violation.clone()])),
        };
        Ok(match vended {
            Ok(token) => answer::allowed(&token, &self.naming),
            Err(error) => {
                let status = self.tokens.refused(&wanted.unwrap_or_default(), &call, &error);
                refusal::denied(&refusal::shown(status, &error, &self.statuses))
            }
        })
    }
}

#[tonic::async_trait]
impl Authorization for ExtAuthzApi {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        self.statuses.answer(self.answer(&request).await)
    }
}
