//! Command-line arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use provider_sim::ReusePolicy;

/// Simulates the authorization servers of Evercam and Eagle Eye Networks on loopback addresses.
///
/// The first line of standard output is a JSON object with both base URLs. Requests are logged on standard error.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Address of the simulated Evercam; port 0 takes any free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) evercam: String,

    /// Address of the simulated Eagle Eye Networks; port 0 takes any free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) eagle_eye: String,

    /// Directory in which issued tokens are remembered across restarts.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,

    /// Life of access tokens, such as 30s.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) access_ttl: Option<Duration>,

    /// Shortest life of refresh tokens: the idle one where the policy has one, else the absolute one.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) refresh_ttl: Option<Duration>,

    /// Life of authorization codes.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) code_ttl: Option<Duration>,

    /// How Eagle Eye grants live and die.
    #[arg(long, value_enum, default_value_t = EagleEyePolicy::Idle14Abs90)]
    pub(crate) eagle_eye_policy: EagleEyePolicy,

    /// What a used refresh token brings, at both providers: reject, revoke_family, or grace:30s.
    #[arg(long, value_name = "POLICY", default_value = "reject", value_parser = reuse)]
    pub(crate) reuse: ReusePolicy,

    /// Client identifier at both providers, instead of the demo clients.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,

    /// Client secret at both providers, instead of the demo secrets.
    #[arg(long, value_name = "SECRET", env = "PROVIDER_SIM_CLIENT_SECRET", hide_env_values = true)]
    pub(crate) client_secret: Option<String>,

    /// Redirect URI at both providers, instead of the demo ones; may be given several times.
    #[arg(long, value_name = "URI")]
    pub(crate) redirect_uri: Vec<String>,

    /// What is logged, such as debug or provider_sim=info.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,
}

/// The policies of Eagle Eye Networks.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum EagleEyePolicy {
    /// 14 days idle, 90 days in all.
    #[value(name = "idle14_abs90")]
    Idle14Abs90,
    /// 7 days from the consent.
    #[value(name = "fixed7")]
    Fixed7,
    /// 7 days from the last refresh.
    #[value(name = "sliding7")]
    Sliding7,
    /// Never ending, never changing refresh tokens.
    PermanentNonrotating,
}

fn reuse(text: &str) -> Result<ReusePolicy, String> {
    match text.split_once(':') {
        None if text == "reject" => Ok(ReusePolicy::reject()),
        None if text == "revoke_family" => Ok(ReusePolicy::revoke_family()),
        Some(("grace", window)) => {
            humantime::parse_duration(window).map(ReusePolicy::grace).map_err(|error| error.to_string())
        }
        _ => Err("say reject, revoke_family, or grace:30s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reuse_policies_are_read() {
        assert_eq!(reuse("reject"), Ok(ReusePolicy::reject()));
        assert_eq!(reuse("revoke_family"), Ok(ReusePolicy::revoke_family()));
        assert_eq!(reuse("grace:30s"), Ok(ReusePolicy::grace(Duration::from_secs(30))));
        for wrong in ["", "grace", "grace:", "grace:x", "reject:1s"] {
            assert!(reuse(wrong).is_err(), "{wrong}");
        }
    }
}
