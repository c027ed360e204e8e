//! How a step ended.

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran and found nothing, or had nothing to look at and says so.
    Passed { note: Option<String> },
    /// It ran and found something, or could not finish; and what it said of that.
    Failed { why: String, said: Vec<String> },
    /// It could not start: a tool is missing.
    Skipped { install: String },
    /// The same, for a tool or packages of other languages, which the machine has or has not.
    NotHere { why: String },
}

impl Outcome {
    pub(crate) const PASSED: Self = Self::Passed { note: None };

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), said: Vec::new() }
    }

    /// The same outcome; where it is a pass, with this note.
    pub(crate) fn noting(self, note: String) -> Self {
        if self == Self::PASSED { Self::Passed { note: Some(note) } } else { self }
    }

    /// One word for the summary.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Passed { .. } => "ok",
            Self::Failed { .. } => "FAILED",
            Self::Skipped { .. } | Self::NotHere { .. } => "SKIPPED",
        }
    }

    /// What a reader should know beside the word.
    pub(crate) fn remark(&self) -> &str {
        match self {
            Self::Passed { note } => note.as_deref().unwrap_or_default(),
            Self::Failed { why, .. } => why,
            Self::Skipped { install } => install,
            Self::NotHere { why } => why,
        }
    }

    /// What a failed step said of its trouble.
    pub(crate) fn said(&self) -> &[String] {
        if let Self::Failed { said, .. } = self { said } else { &[] }
    }

    /// In CI a check that did not run is a check that failed, unless it is about other languages and they are not there.
    pub(crate) fn is_failure(&self, ci: bool) -> bool {
        match self {
            Self::Passed { .. } | Self::NotHere { .. } => false,
            Self::Failed { .. } => true,
            Self::Skipped { .. } => ci,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_step_fails_only_in_ci() {
        let skipped = Outcome::Skipped { install: "install it".to_owned() };
        assert!(skipped.is_failure(true));
        assert!(!skipped.is_failure(false));
    }
}
