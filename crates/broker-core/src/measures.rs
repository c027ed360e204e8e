//! What a broker counts of its own work, since this process began.

use crate::ProviderName;
use crate::census::Census;
use crate::measure::{Counts, Histograms};
use crate::rotation::Losses;

/// How late a rotation is, in seconds.
const LATENESS: &[f64] = &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// How long one takes: seconds of network, and up to two minutes of late reading.
const DURATION: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Counts and times.
#[derive(Debug)]
pub struct Measures {
    /// From when a grant was due to when it was claimed, of grants that were due.
    pub rotation_lateness: Histograms<ProviderName>,
    /// From the claim to the end of the attempt.
    pub rotation_duration: Histograms<ProviderName>,
    /// What was asked of the backend of leases: `acquired`, `contended` or `unavailable`.
    pub leases: Counts<&'static str>,
    /// Rotations put off because the provider's budget was spent.
    pub budget_refusals: Counts<ProviderName>,
    /// Mints, by what they ended as: `minted`, `superseded`, or the kind of a failure.
    pub mints: Counts<(ProviderName, &'static str)>,
    /// Deliveries to webhooks: `delivered`, `refused` (the receiver answered so), `failed` (it did not answer), and
    /// `disabled` for each webhook that was switched off.
    pub deliveries: Counts<&'static str>,
    /// Grants whose refresh token was lost between the provider and the store.
    pub losses: Losses,
    /// The grants of the whole installation.
    pub census: Census,
}

impl Measures {
    /// Counts of what happens at these providers begin with zero: what begins with 1 has no rate.
    pub(crate) fn of<'a>(providers: impl Iterator<Item = &'a ProviderName>) -> Self {
        let measures = Self {
            rotation_lateness: Histograms::new(LATENESS),
            rotation_duration: Histograms::new(DURATION),
            leases: Counts::default(),
            budget_refusals: Counts::default(),
            mints: Counts::default(),
            deliveries: Counts::default(),
            losses: Losses::default(),
            census: Census::default(),
        };
        for provider in providers {
            measures.budget_refusals.add(provider.clone(), 0);
            measures.mints.add((provider.clone(), "minted"), 0);
        }
        measures
    }
}
