//! Whoever brings a grant's next token set: this process, or another one that is asked. Vending does not know which.

use std::sync::Arc;

use crate::rotation::{Flight, Rotated, Trigger};
use crate::{Broker, Gate, Grant, GrantId};

/// Brings next token sets.
pub(crate) trait Refresher: Send + Sync {
    /// The refresh of the grant that this process has begun or asked for, while it is under way.
    fn running(&self, grant: GrantId) -> Option<Flight>;

    /// Joins the refresh of the grant, or begins one if its provider is called at present.
    fn refresh(&self, grant: &Grant, trigger: Trigger) -> Flight;

    /// The same for a caller who has waited for another replica's rotation, which came to no end.
    fn refresh_again(&self, grant: &Grant, trigger: Trigger) -> Flight;
}

/// Rotates in this process.
pub(crate) struct Here(pub(crate) Arc<Broker>);

impl Refresher for Here {
    fn running(&self, grant: GrantId) -> Option<Flight> {
        self.0.flights.running(grant)
    }

    fn refresh(&self, grant: &Grant, trigger: Trigger) -> Flight {
        match self.0.gates.admit(&grant.key, &grant.registration, self.0.clock.now()) {
            Gate::Open => self.refresh_again(grant, trigger),
            Gate::ClosedUntil(until) => Flight::over(Rotated::ProviderRests(until)),
        }
    }

    fn refresh_again(&self, grant: &Grant, trigger: Trigger) -> Flight {
        self.0.start_rotation(&grant.key, grant.generation, trigger)
    }
}
