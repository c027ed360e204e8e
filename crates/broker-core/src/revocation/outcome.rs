//! How revocations end.

/// How the revocation of a token set ended. Its tokens are erased here in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationOutcome {
    /// The provider said that the tokens are revoked, or that it knows them no more.
    Revoked,
    /// The provider has no revocation endpoint: the tokens live on there until they expire.
    NotSupported,
    /// The provider kept refusing for a reason that does not name the token: it may live on there.
    Refused,
    /// A new consent came, which the revocation could have ended too (rule 13).
    LetGo,
}

impl RevocationOutcome {
    const ALL: [Self; 4] = [Self::Revoked, Self::NotSupported, Self::Refused, Self::LetGo];

    /// The name in stores and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::NotSupported => "not_supported",
            Self::Refused => "refused",
            Self::LetGo => "let_go",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}
