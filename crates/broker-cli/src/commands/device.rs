//! Consent on another device: the code is printed, and the user waited for.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use broker_proto::v1::{
    AuthorizationState, GetAuthorizationRequest, GetAuthorizationResponse, StartDeviceAuthorizationRequest,
    StartDeviceAuthorizationResponse,
};
use clap::Args;

use super::{consent, short};
use crate::cli::Format;
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

/// Where the broker names no interval.
const INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(crate) struct Device {
    /// A scope to ask for; may be repeated. Default: those of the client registration
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Accept another upstream account than the one of the existing grant
    #[arg(long)]
    allow_account_change: bool,
    /// The client registration. Default: the one of the existing grant, else the first that allows it
    #[arg(long = "registration", default_value = "", hide_default_value = true, value_name = "ID")]
    registration_id: String,
}

impl Device {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let tenant_id = session.tenant()?;
        let request = session.request(self.into_request(session)?);
        let started = session.consent().start_device_authorization(request).await?.into_inner();
        tell(session, &started);
        let answer = tokio::select! {
            answer = wait(session, &tenant_id, &started) => answer?,
            _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted(started.authorization_id)),
        };
        if session.output().format() != Format::Table || answer.state() == AuthorizationState::Completed {
            session.output().answer(&answer, consent::status)?;
        }
        outcome(&answer)
    }

    fn into_request(self, session: &Session) -> Result<StartDeviceAuthorizationRequest, Failure> {
        Ok(StartDeviceAuthorizationRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            user_id: session.user()?,
            account: session.account(),
            scopes: self.scopes,
            allow_account_change: self.allow_account_change,
            registration_id: self.registration_id,
        })
    }
}

/// On standard error: standard output has the result, whatever its format.
fn tell(session: &Session, started: &StartDeviceAuthorizationResponse) {
    let remark = |text: String| session.output().remark(&text);
    remark(format!("authorization {}", started.authorization_id));
    remark(format!("Open {} and enter the code {}", started.verification_uri, started.user_code));
    if !started.verification_uri_complete.is_empty() {
        let link = &started.verification_uri_complete;
        remark(format!("Or open {link} and compare the code shown there with the one above"));
    }
}

async fn wait(
    session: &Session,
    tenant_id: &str,
    started: &StartDeviceAuthorizationResponse,
) -> Result<GetAuthorizationResponse, Failure> {
    let interval = started.interval.and_then(|interval| Duration::try_from(interval).ok());
    let interval = interval.filter(|interval| !interval.is_zero()).unwrap_or(INTERVAL);
    let terminal = io::stderr().is_terminal();
    loop {
        tokio::time::sleep(interval).await;
        let request = GetAuthorizationRequest {
            tenant_id: tenant_id.to_owned(),
            authorization_id: started.authorization_id.clone(),
        };
        let answer = session.consent().get_authorization(session.request(request)).await;
        let answer = match answer {
            Ok(answer) => answer.into_inner(),
            // A broker that restarts is waited for as the user is.
            Err(status) if status.code() == tonic::Code::Unavailable && left(started) > 0 => continue,
            Err(status) => return Err(status.into()),
        };
        let waits = answer.state() == AuthorizationState::Pending;
        if terminal {
            show_progress(started, waits);
        }
        if !waits {
            return Ok(answer);
        }
    }
}

/// One line, written over again; without a terminal there is none.
fn show_progress(started: &StartDeviceAuthorizationResponse, waits: bool) {
    // What cannot be told there is told nowhere.
    let _ = io::stderr().write_all(progress(left(started), waits).as_bytes());
}

/// The line for so many seconds left, and what wipes it out in the end.
fn progress(left: i64, waits: bool) -> String {
    match waits {
        true => format!("\rwaiting, the code lapses in {}:{:02} ", left / 60, left % 60),
        false => format!("\r{:40}\r", ""),
    }
}

/// Seconds until the code lapses.
fn left(started: &StartDeviceAuthorizationResponse) -> i64 {
    started.expire_time.map_or(0, |end| (end.seconds - now().seconds).max(0))
}

fn outcome(answer: &GetAuthorizationResponse) -> Result<(), Failure> {
    match answer.state() {
        AuthorizationState::Completed => Ok(()),
        AuthorizationState::Denied => Err(Failure::AuthorizationDenied),
        AuthorizationState::Expired => Err(Failure::AuthorizationExpired),
        _ => {
            let why = short(answer.failure().as_str_name(), "AUTHORIZATION_FAILURE_");
            Err(Failure::AuthorizationFailed(why.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_covers_the_one_before_and_the_last_leaves_nothing() {
        let lines = [600, 599, 61, 0].map(|left| progress(left, true));
        assert_eq!(lines[0], "\rwaiting, the code lapses in 10:00 ");
        assert_eq!(lines[1], "\rwaiting, the code lapses in 9:59 ");
        assert_eq!((&lines[2][29..], &lines[3][29..]), ("1:01 ", "0:00 "));
        // One digit less, and the space of the longer line is all that stays.
        assert_eq!(lines[0].len(), lines[1].len() + 1);
        let wiped = progress(0, false);
        assert_eq!(wiped.trim(), "");
        assert!(wiped.len() > progress(3600, true).len() && wiped.ends_with('\r'));
    }
}
