//! How long grants live: data on the provider, and on a client registration where that differs.

use std::fmt::Write as _;
use std::time::Duration;

use crate::ProviderProfile;

/// The lives a grant has, named as in draft-ietf-oauth-refresh-token-expiration. It dies of the one that ends first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GrantWindow {
    /// The refresh token dies of this much idleness. Every refresh begins it anew.
    pub refresh_token_timeout: Option<Duration>,
    /// The authorization ends this long after the consent, whatever is refreshed.
    pub authorization_expires_in: Option<Duration>,
}

const IDLE: &str = "refresh_token_timeout";
const FIXED: &str = "authorization_expires_in";

impl GrantWindow {
    /// A grant that does not die.
    pub const PERMANENT: Self = Self { refresh_token_timeout: None, authorization_expires_in: None };

    /// What holds at a provider where the registration says nothing else.
    pub fn of(profile: &ProviderProfile) -> Self {
        Self {
            refresh_token_timeout: profile.refresh_token_timeout,
            authorization_expires_in: profile.authorization_expires_in,
        }
    }

    /// As stores keep it: `name=microseconds` for each life it has, a space between; empty for a permanent one.
    pub fn to_text(self) -> String {
        let mut text = String::new();
        for (name, life) in [(IDLE, self.refresh_token_timeout), (FIXED, self.authorization_expires_in)] {
            let Some(life) = life else { continue };
            let separator = if text.is_empty() { "" } else { " " };
            // Never fails because a String takes everything.
            let _ = write!(text, "{separator}{name}={}", life.as_micros());
        }
        text
    }

    /// The window of that text.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut window = Self::PERMANENT;
        for part in text.split_whitespace() {
            let (name, micros) = part.split_once('=')?;
            let life = Some(Duration::from_micros(micros.parse().ok()?));
            match name {
                IDLE => window.refresh_token_timeout = life,
                FIXED => window.authorization_expires_in = life,
                _ => return None,
            }
        }
        Some(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_as_it_was_kept() {
        let (two_weeks, quarter) = (Duration::from_secs(14 * 86_400), Duration::from_secs(90 * 86_400));
        for (idle, fixed) in
            [(None, None), (Some(two_weeks), None), (None, Some(quarter)), (Some(two_weeks), Some(quarter))]
        {
            let window = GrantWindow { refresh_token_timeout: idle, authorization_expires_in: fixed };
            assert_eq!(GrantWindow::from_text(&window.to_text()), Some(window));
        }
        assert_eq!(GrantWindow::from_text("lifetime=5"), None);
        assert_eq!(GrantWindow::from_text("refresh_token_timeout=soon"), None);
    }
}
