//! What to do about an error of the broker.

use std::time::Duration;

use broker_proto::error::BrokerError;
use broker_proto::v1::Reason;
use tonic::Code;

use crate::cli::Globals;

/// The commands whose NOT_FOUND may be a grant's.
const ABOUT_A_GRANT: [&str; 4] = ["token get", "grants get", "grants refresh", "grants revoke"];

/// What to do next, as one sentence or one command to type; `None` where nobody knows. `failed` is the command that
/// was typed: it is never suggested.
pub(crate) fn next_step(error: &BrokerError, globals: &Globals, failed: &str) -> Option<String> {
    let step = match error.reason() {
        Some(reason) => Some(for_reason(reason, error, globals, failed)),
        None => for_code(error.code(), globals, failed),
    };
    step.filter(|step| !step.starts_with(&format!("brokerctl {failed}")))
}

fn for_reason(reason: Reason, error: &BrokerError, globals: &Globals, failed: &str) -> String {
    match reason {
        Reason::ConsentRequired
        | Reason::GrantExpired
        | Reason::AuthorizationNotFound
        | Reason::AuthorizationInvalid => consent(globals),
        Reason::MissingScopes => missing_scopes(globals, error),
        // A command that is about no grant in particular found no tenant.
        Reason::GrantNotFound if !ABOUT_A_GRANT.contains(&failed) => {
            command(globals, "tenants create", &["tenant"])
        }
        Reason::GrantNotFound => consent(globals),
        // One was named, and is not there.
        Reason::NoClientRegistration if error.code() == Code::NotFound => {
            command(globals, "registrations list", &["tenant"])
        }
        Reason::NoClientRegistration => {
            command(globals, "registrations create", &["tenant", "provider"])
                + " --client-id CLIENT_ID --client-secret-file FILE --redirect-uri URI"
        }
        Reason::ClientRegistrationRejected => add_secret(globals, error.metadata("registration_id")),
        Reason::ProviderUnavailable
        | Reason::RefreshInProgress
        | Reason::BackendUnavailable
        | Reason::TenantRateLimited => try_again(error.retry_delay()),
        Reason::QuotaExceeded => "make room, or ask an operator to raise the limit".to_owned(),
        Reason::AlreadyExists => "choose another name, or use what exists".to_owned(),
        Reason::EtagMismatch => "read it again, then repeat the change".to_owned(),
        Reason::KeyInUse => "rotate the keys first, then retire this one".to_owned(),
        Reason::ResourceInUse => "remove what still needs it first".to_owned(),
        Reason::ResourceNotFound => "check the id".to_owned(),
        Reason::CallerUnknown => {
            "show a credential that the broker accepts: --cert-file and --key-file, or --token-file"
                .to_owned()
        }
        Reason::AccessDenied => "ask an operator for an access policy that allows it".to_owned(),
        Reason::InvalidRequest => "correct the fields and try again".to_owned(),
        Reason::Internal | Reason::Unspecified => incident(error),
    }
}

fn for_code(code: Code, globals: &Globals, failed: &str) -> Option<String> {
    match code {
        Code::Unavailable => {
            let health = if failed == "health" { "" } else { ", and try `brokerctl health`" };
            let endpoint = &globals.endpoint;
            Some(format!(
                "is the broker running at {endpoint}? set --endpoint or TOKEN_BROKER_ENDPOINT{health}; {}",
                about_tls(globals)
            ))
        }
        // Without a reason the broker did not say it: the way to it ended, or took too long.
        Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Internal => {
            Some(format!("try again, or wait longer with --timeout; {}", about_tls(globals)))
        }
        Code::Unimplemented => {
            Some("this broker does not offer that yet: is it of another version?".to_owned())
        }
        _ => None,
    }
}

/// A side that does not believe the other ends the connection, often without a word.
fn about_tls(globals: &Globals) -> &'static str {
    match (globals.endpoint.starts_with("https://"), &globals.credentials.cert_file) {
        (false, _) => "a broker that speaks TLS needs https:// in --endpoint",
        (true, None) => "--ca-file and --server-name say whom to believe",
        (true, Some(_)) => {
            "--ca-file and --server-name say whom to believe, the broker's log whether it accepts --cert-file"
        }
    }
}

/// The command that repairs a registration the provider rejects.
pub(crate) fn add_secret(globals: &Globals, registration: Option<&str>) -> String {
    let name = registration.map_or("REGISTRATION".to_owned(), quoted);
    command(globals, "secrets add", &["tenant", "provider"])
        + &format!(" --registration {name} --secret-file FILE")
}

fn consent(globals: &Globals) -> String {
    command(globals, "consent start", &["tenant", "provider", "user", "account"])
}

fn missing_scopes(globals: &Globals, error: &BrokerError) -> String {
    let scopes = error.metadata("missing").unwrap_or_default().split_whitespace();
    let flags: String = scopes.map(|scope| format!(" --scope {}", quoted(scope))).collect();
    consent(globals) + &flags
}

fn try_again(delay: Option<Duration>) -> String {
    match delay {
        Some(delay) => {
            let seconds = delay.as_secs_f64().ceil();
            format!("try again in {seconds} s")
        }
        None => "try again later".to_owned(),
    }
}

fn incident(error: &BrokerError) -> String {
    match error.metadata("incident") {
        Some(id) => format!("look for incident {id} in the broker's log"),
        None => "look into the broker's log".to_owned(),
    }
}

/// A command to type, with the flags that the failed one had, and placeholders for those it lacked.
fn command(globals: &Globals, words: &str, flags: &[&str]) -> String {
    let given = |flag: &str| match flag {
        "tenant" => globals.tenant.as_deref(),
        "provider" => globals.provider.as_deref(),
        "user" => globals.user.as_deref(),
        _ => globals.account.as_deref(),
    };
    flags.iter().fold(format!("brokerctl {words}"), |line, flag| match given(flag) {
        Some(value) => format!("{line} --{flag} {}", quoted(value)),
        // Without it the default account is meant.
        None if *flag == "account" => line,
        None => format!("{line} --{flag} {}", flag.to_uppercase()),
    })
}

/// Quoted for a POSIX shell, where it needs to be.
fn quoted(word: &str) -> String {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/@+=,".contains(letter);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell() {
        for (word, line) in
            [("u-1@x.org", "u-1@x.org"), ("", "''"), ("a b", "'a b'"), ("it's;rm", r"'it'\''s;rm'")]
        {
            assert_eq!(quoted(word), line);
        }
    }

    #[test]
    fn a_delay_is_rounded_up() {
        assert_eq!(try_again(Some(Duration::from_millis(1200))), "try again in 2 s");
        assert_eq!(try_again(None), "try again later");
    }
}
