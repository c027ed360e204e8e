//! Words for a shell.

use std::ffi::OsString;

use anyhow::{Context as _, Result, ensure};

/// One line that a shell reads as exactly these words.
pub(super) fn quoted(words: &[OsString]) -> Result<String> {
    let words: Vec<_> = words.iter().map(one).collect::<Result<_>>()?;
    Ok(words.join(" "))
}

fn one(word: &OsString) -> Result<String> {
    let word = word.to_str().with_context(|| format!("{} is not UTF-8", word.display()))?;
    ensure!(!word.contains('\n'), "{word} has more than one line");
    Ok(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_the_words_as_they_were() {
        let words: Vec<OsString> = ["it's", "$HOME *", "", r"a\b\"].map(Into::into).into();
        let script = format!("printf '<%s>' {}", quoted(&words).unwrap());
        let output = Command::new("/bin/sh").arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), r"<it's><$HOME *><><a\b\>");
    }

    #[test]
    fn a_word_of_two_lines_is_refused() {
        assert!(quoted(&["a\nb".into()]).is_err());
    }
}
