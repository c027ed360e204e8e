use std::time::Duration;

use broker_proto::v1::GrantWindow;
use clap::Args;

use crate::failure::Failure;

/// How long the grants of a registration live.
#[derive(Debug, Args)]
pub(crate) struct WindowArgs {
    /// Its grants die so long after consent, whatever is refreshed
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration,
          conflicts_with_all = ["idle_window", "absolute_window", "permanent"])]
    fixed_window: Option<Duration>,
    /// A refresh token dies when it is not used for so long
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "permanent")]
    idle_window: Option<Duration>,
    /// Beside --idle-window: its grants die so long after consent at the latest
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "permanent")]
    absolute_window: Option<Duration>,
    /// Its grants do not die
    #[arg(long)]
    permanent: bool,
}

impl WindowArgs {
    /// The window that is named; `None` if none is.
    pub(crate) fn window(&self) -> Result<Option<GrantWindow>, Failure> {
        let window = GrantWindow {
            fixed_from_consent: life(self.fixed_window)?,
            refresh_token_timeout: life(self.idle_window)?,
            authorization_expires_in: life(self.absolute_window)?,
        };
        let named = self.permanent || window != GrantWindow::default();
        Ok(named.then_some(window))
    }
}

fn life(life: Option<Duration>) -> Result<Option<prost_types::Duration>, Failure> {
    let life = life.map(prost_types::Duration::try_from).transpose();
    life.map_err(|_| Failure::Usage("a window is too long".to_owned()))
}

/// A window for people; empty for the provider's own.
pub(super) fn window(window: Option<&GrantWindow>) -> String {
    let Some(window) = window else { return String::new() };
    let lives = [
        ("dies after", &window.fixed_from_consent),
        ("dies unused after", &window.refresh_token_timeout),
        ("dies after", &window.authorization_expires_in),
    ];
    let told: Vec<_> = lives
        .into_iter()
        .filter_map(|(what, life)| {
            let seconds = u64::try_from(life.as_ref()?.seconds).unwrap_or_default();
            Some(format!("{what} {}", humantime::format_duration(Duration::from_secs(seconds))))
        })
        .collect();
    if told.is_empty() { "does not die".to_owned() } else { told.join(", ") }
}
