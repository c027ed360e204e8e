//! ImportGrant: reading the request.

use std::time::Duration;

use broker_core::{BrokerError, ImportRequest, RegistrationId, Timestamp};
use broker_crypto::RefreshToken;
use broker_proto::v1::ImportGrantRequest;
use zeroize::Zeroizing;

use super::access::Call;
use super::request::Fields;

const LONGEST_TOKEN: usize = 16 * 1024;

pub(super) fn read(
    message: ImportGrantRequest,
    wait: Option<Duration>,
    call: &Call<'_>,
) -> Result<ImportRequest, BrokerError> {
    let token = Zeroizing::new(message.refresh_token);
    let mut fields = Fields::default();
    let key = fields.key(&message.tenant_id, &message.provider, &message.user_id, &message.account);
    let registration = fields.optional_name("registration_id", &message.registration_id, RegistrationId::new);
    check_token(&mut fields, &token);
    fields.scopes("scopes", &message.scopes);
    let consented_at = message.consent_time.and_then(|time| read_time(&mut fields, time));
    let request = fields.request_id(&message.request_id);
    let key = fields.finish(key)?;
    let permit = call.admit_to(&key)?;
    Ok(ImportRequest {
        key,
        registration,
        refresh_token: RefreshToken::new(token.as_str()),
        verify: message.verify,
        scopes: message.scopes,
        consented_at,
        allow_account_change: message.allow_account_change,
        request,
        wait,
        permit,
    })
}

/// Printable ASCII (RFC 6749 appendix A.17).
fn check_token(fields: &mut Fields, token: &str) {
    if token.is_empty() {
        fields.violation("refresh_token", "must be set");
    } else if !token.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        fields.violation("refresh_token", "must be printable ASCII (RFC 6749 appendix A.17)");
    }
    fields.at_most("refresh_token", token, LONGEST_TOKEN);
}

fn read_time(fields: &mut Fields, time: prost_types::Timestamp) -> Option<Timestamp> {
    let micros = time.seconds.checked_mul(1_000_000).filter(|_| (0..1_000_000_000).contains(&time.nanos));
    let read = micros.and_then(|micros| micros.checked_add(i64::from(time.nanos / 1000)));
    if read.is_none() {
        fields.violation("consent_time", "must be a valid time");
    }
    read.map(Timestamp::from_unix_micros)
}
