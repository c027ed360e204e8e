//! The table "What each crash costs" of `docs/rotation.md`, as places where one process stops for good.

use super::stops::Stop;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    BeforeTheClaim,
    LeaseHeldOnly,
    ClaimedNotSent,
    SentAndNotAtTheProvider,
    AnswerInFlight,
    BodyInMemory,
    EscrowedNotCommitted,
    CommittedNotAcknowledged,
    LeaseNotGivenBack,
}

impl Point {
    /// Where the first process stops, and where the one that recovers from it.
    pub(crate) fn stops(self) -> [Stop; 2] {
        match self {
            Self::BeforeTheClaim => [Stop::Lease; 2],
            Self::LeaseHeldOnly => [Stop::Claim; 2],
            Self::ClaimedNotSent => [Stop::Claimed; 2],
            Self::SentAndNotAtTheProvider => [Stop::Sent; 2],
            Self::AnswerInFlight => [Stop::Answered; 2],
            Self::BodyInMemory => [Stop::Escrow; 2],
            // The replay of the journal comes to the same place by another way.
            Self::EscrowedNotCommitted => [Stop::Escrowed, Stop::Adopt],
            Self::CommittedNotAcknowledged => [Stop::Adopted; 2],
            // The next refresh goes on without the dead lease, and so has none to give back.
            Self::LeaseNotGivenBack => [Stop::Release, Stop::Claimed],
        }
    }
}
