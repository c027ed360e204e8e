//! What a failed command says to the user.

use std::fmt::Write;

/// What happened and why: one cause a line, each said once. Never a backtrace: the user did not write the code.
pub(crate) fn complaint(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    let mut text = format!("token-broker: {said}\n");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors of libraries tell their cause themselves.
        if !said.contains(&cause) {
            // Writing to a string never fails.
            let _ = writeln!(text, "  because: {cause}");
            said = cause;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::complaint;

    #[test]
    fn each_cause_is_said_once() {
        let error = anyhow!("no such file").context("cannot read kek: no such file").context("cannot start");
        assert_eq!(
            complaint(&error),
            "token-broker: cannot start\n  because: cannot read kek: no such file\n"
        );
    }
}
