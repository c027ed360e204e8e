//! An error: what happened, why, what to do next.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use broker_proto::error::{BrokerError, HelpLink};

use super::{Style, Tone};
use crate::cli::Globals;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::next_step::{add_secret, next_step};

/// Prints a failure of `command` on standard error; nothing where it is none (a closed pipe).
pub(crate) fn print_error(failure: &Failure, globals: &Globals, command: &str, style: Style) {
    if failure.exit() != Exit::Ok {
        // Nobody is left to tell when standard error is closed.
        let _ = io::stderr().write_all(render(failure, globals, command, style).as_bytes());
    }
}

fn render(failure: &Failure, globals: &Globals, command: &str, style: Style) -> String {
    let mut text = format!("{} {}\n", style.paint("error:", Tone::Bad), one_line(&failure.to_string()));
    match failure {
        Failure::Broker(error) => {
            text += &why(error);
            if let Some(step) = next_step(error, globals, command) {
                let _ = writeln!(text, "  next:   {}", one_line(&step));
            }
            text += &help(error);
        }
        Failure::Usage(_) => text += "  next:   brokerctl --help\n",
        Failure::ClientRejected => {
            let step = add_secret(globals, None);
            let _ = writeln!(text, "  next:   {}", one_line(&step));
        }
        Failure::NoVerdict => text += "  next:   try again later\n",
        Failure::AuthorizationDenied | Failure::AuthorizationExpired => {
            text += "  next:   run the same command again, for a new code\n";
        }
        Failure::AuthorizationFailed(_) => {
            text += "  next:   the broker's log says why; run the same command again, for a new code\n";
        }
        _ => {}
    }
    text
}

fn why(error: &BrokerError) -> String {
    let mut text = match error.reason_name() {
        Some(reason) => format!("  reason: {}{}\n", one_line(reason), facts(error)),
        None => format!("  code:   {:?}\n", error.code()),
    };
    for violation in error.field_violations() {
        let _ =
            writeln!(text, "  field:  {} {}", one_line(&violation.field), one_line(&violation.description));
    }
    text
}

fn help(error: &BrokerError) -> String {
    let line =
        |link: &HelpLink| format!("  help:   {} ({})\n", one_line(&link.url), one_line(&link.description));
    error.help_links().iter().map(line).collect()
}

fn facts(error: &BrokerError) -> String {
    let fact = |name| error.metadata(name).map(|value| format!(" ({name} {})", one_line(value)));
    ["cause", "missing", "problem"].into_iter().filter_map(fact).collect()
}

/// Text of elsewhere must not steer the terminal.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
