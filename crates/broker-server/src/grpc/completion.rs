//! What a product hands over to complete an authorization.

use std::time::Duration;

use broker_core::{
    Asked, AuthorizationId, BrokerError, CompleteRequest, HostedCompletion, Permit, TenantId, UserId,
};
use broker_crypto::{CallbackUrl, CompletionCode};
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::{CompleteAuthorizationRequest, HostedCallback};

use super::access::Call;
use super::request::Fields;

const LONGEST_CALLBACK: usize = 16 * 1024;

/// Who received the callback.
pub(super) enum Completion {
    /// The product, at its own redirect URI.
    OfProduct(CompleteRequest),
    /// The broker, at its page.
    OfBroker(HostedCompletion),
}

/// Who completes it, and for whom.
struct By {
    tenant: TenantId,
    user: UserId,
    wait: Option<Duration>,
    permit: Permit,
}

pub(super) fn read(
    message: CompleteAuthorizationRequest,
    wait: Option<Duration>,
    call: &Call<'_>,
) -> Result<Completion, BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let user = fields.name("user_id", &message.user_id, UserId::new);
    let callback = check(message.callback, &mut fields);
    let (tenant, user) = fields.finish(tenant.zip(user))?;
    // Only the state, or the id, tells where it was started.
    let permit = call.admit(Asked::One(&tenant), Asked::Unknown)?;
    let by = By { tenant, user, wait, permit };
    match callback {
        Callback::CallbackUrl(url) => Ok(Completion::OfProduct(of_product(url, by))),
        Callback::HostedCallback(hosted) => of_broker(hosted, by).map(Completion::OfBroker),
    }
}

fn check(callback: Option<Callback>, fields: &mut Fields) -> Callback {
    let callback = callback.unwrap_or(Callback::CallbackUrl(String::new()));
    match &callback {
        Callback::CallbackUrl(url) => {
            if url.is_empty() {
                fields
                    .violation("callback_url", "must be set: the full URL the provider sent the browser to");
            }
            fields.at_most("callback_url", url, LONGEST_CALLBACK);
        }
        Callback::HostedCallback(hosted) => {
            if hosted.completion_code.is_empty() {
                fields.violation(
                    "hosted_callback.completion_code",
                    "must be set: the query parameter of the `return_to` URL",
                );
            }
            fields.at_most("hosted_callback.completion_code", &hosted.completion_code, 256);
        }
    }
    callback
}

fn of_product(url: String, by: By) -> CompleteRequest {
    let By { tenant, user, wait, permit } = by;
    CompleteRequest { tenant, user, callback_url: CallbackUrl::new(url), wait, permit }
}

fn of_broker(hosted: HostedCallback, by: By) -> Result<HostedCompletion, BrokerError> {
    let By { tenant, user, wait, permit } = by;
    // What is no id of ours names nothing of ours.
    let authorization =
        AuthorizationId::parse(&hosted.authorization_id).ok_or(BrokerError::AuthorizationNotFound)?;
    let completion_code = CompletionCode::new(hosted.completion_code);
    Ok(HostedCompletion { tenant, user, authorization, completion_code, wait, permit })
}
