//! What began a presentation.

/// What began a presentation of a refresh token or code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Its time had come.
    Due,
    /// Somebody wanted a token that is fresher than the one held.
    Caller,
    /// Somebody said that the provider rejects the token.
    Report,
    /// An operator wanted it.
    Operator,
    /// It tries a changed registration for all.
    Canary,
    /// Another process asked for it.
    Request,
    /// A user consented, or a grant was imported.
    Consent,
    /// A device authorization was polled.
    Poll,
    /// What an earlier run, or another replica, left open was settled.
    Recovery,
}

impl Trigger {
    /// The name in logs and traces.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Caller => "caller",
            Self::Report => "report",
            Self::Operator => "operator",
            Self::Canary => "canary",
            Self::Request => "request",
            Self::Consent => "consent",
            Self::Poll => "poll",
            Self::Recovery => "recovery",
        }
    }
}
