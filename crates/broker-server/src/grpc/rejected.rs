//! ReportRejectedToken as messages, and what its record says.

use std::time::Duration;

use broker_core::{BrokerError, Generation, RejectedToken, RejectedTokenOutcome, Vended};
use broker_proto::v1::{self, ReportRejectedTokenRequest, ReportRejectedTokenResponse};

use super::access::Call;
use super::message;
use super::request::{Fields, grant_key};

/// Bytes of detail.
const LONGEST_DETAIL: usize = 1024;

/// So many letters of those that tokens are made of (RFC 6750 §2.1, `b64token`) may be a token.
const TOKEN_LIKE: usize = 32;

/// The report, and what its record says of it.
pub(super) fn read(
    message: ReportRejectedTokenRequest,
    wait: Option<Duration>,
    call: &Call<'_>,
) -> Result<(RejectedToken, String), BrokerError> {
    let mut fields = Fields::default();
    if message.generation == 0 {
        fields.violation("generation", "must be set");
    }
    let status = u16::try_from(message.http_status).ok().filter(|status| (400..500).contains(status));
    if status.is_none() {
        fields.violation("http_status", "must be 400 to 499");
    }
    fields.at_most("detail", &message.detail, LONGEST_DETAIL);
    let (key, http_status) = both(grant_key(message.key), fields.finish(status))?;
    let permit = call.admit_to(&key)?;
    let generation = Generation::new(message.generation);
    let said =
        format!("rejected_tokens/{}/{http_status} {}", message.generation, without_tokens(&message.detail));
    Ok((RejectedToken { key, generation, http_status, wait, permit }, said.trim_end().to_owned()))
}

/// Both values, or the violations of both.
fn both<A, B>(one: Result<A, BrokerError>, other: Result<B, BrokerError>) -> Result<(A, B), BrokerError> {
    match (one, other) {
        (Err(BrokerError::InvalidRequest(mut all)), Err(BrokerError::InvalidRequest(more))) => {
            all.extend(more);
            Err(BrokerError::InvalidRequest(all))
        }
        (one, other) => Ok((one?, other?)),
    }
}

/// The text with everything cut out that could be a token: the contract forbids it, and callers err.
fn without_tokens(text: &str) -> String {
    let is_of_token = |letter: char| letter.is_ascii_alphanumeric() || "-._~+/=".contains(letter);
    let mut kept = String::with_capacity(text.len());
    for piece in text.split_inclusive(|letter| !is_of_token(letter)) {
        let word = piece.trim_end_matches(|letter| !is_of_token(letter));
        let rest = &piece[word.len()..];
        kept.push_str(if word.len() < TOKEN_LIKE { word } else { "(removed)" });
        kept.push_str(rest);
    }
    kept
}

/// The answer.
pub(super) fn answer(vended: &Vended, outcome: RejectedTokenOutcome) -> ReportRejectedTokenResponse {
    let outcome = match outcome {
        RejectedTokenOutcome::Refreshed => v1::RejectedTokenOutcome::Refreshed,
        RejectedTokenOutcome::AlreadyReplaced => v1::RejectedTokenOutcome::AlreadyReplaced,
        RejectedTokenOutcome::TooSoon => v1::RejectedTokenOutcome::TooSoon,
        RejectedTokenOutcome::NotATokenError => v1::RejectedTokenOutcome::NotATokenError,
        RejectedTokenOutcome::RefreshFailed => v1::RejectedTokenOutcome::RefreshFailed,
    };
    ReportRejectedTokenResponse { token: Some(message::token(vended)), outcome: outcome.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_token_is_cut_out_of_a_detail() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
        for (said, kept) in [
            ("invalid_token: the token expired", "invalid_token: the token expired"),
            (&format!("Bearer {token}"), "Bearer (removed)"),
            (&format!("\"{token}\", really"), "\"(removed)\", really"),
            (&format!("{token}\u{e4}\u{e4}{token}"), "(removed)\u{e4}\u{e4}(removed)"),
            ("", ""),
        ] {
            assert_eq!(without_tokens(said), kept);
        }
    }
}
