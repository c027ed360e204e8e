//! Sharing the slots out among providers.

use super::share::FLOOR;
use crate::ProviderName;

/// What one provider has of the slots and could use.
pub(super) struct Claim<'a> {
    pub(super) provider: &'a ProviderName,
    pub(super) held: usize,
    pub(super) want: usize,
    pub(super) given: usize,
    /// Has had work lately, so that slots are kept for it.
    pub(super) busy: bool,
}

impl Claim<'_> {
    fn has(&self) -> usize {
        self.held + self.given
    }

    /// Kept free for it, of its floor.
    fn kept(&self, floor: usize) -> usize {
        if self.busy { floor.saturating_sub(self.has()) } else { 0 }
    }
}

/// Gives slots one by one to whoever has the fewest. Above its floor nobody gets one that would eat into another's.
pub(super) fn share_out(claims: &mut [Claim<'_>], most: usize) {
    let busy = claims.iter().filter(|claim| claim.busy).count().max(1);
    let floor = FLOOR.min(most / busy).max(1);
    let mut free = most.saturating_sub(claims.iter().map(|claim| claim.held).sum());
    while free > 0 {
        let kept: usize = claims.iter().map(|claim| claim.kept(floor)).sum();
        let fits = |claim: &Claim<'_>| claim.has() < floor || free > kept - claim.kept(floor);
        let hungry = claims.iter_mut().filter(|claim| claim.given < claim.want && fits(claim));
        let Some(next) = hungry.min_by_key(|claim| claim.has()) else { return };
        next.given += 1;
        free -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn slots_are_never_given_twice_and_floors_are_kept(
            most in 1usize..100,
            claims in proptest::collection::vec((0usize..40, 0usize..200, proptest::bool::ANY), 1..12)
        ) {
            let provider = ProviderName::new("p").unwrap();
            let mut claims: Vec<_> = claims
                .into_iter()
                .map(|(held, want, busy)| Claim { provider: &provider, held, want, given: 0, busy })
                .collect();
            let held: usize = claims.iter().map(|claim| claim.held).sum();
            let busy = claims.iter().filter(|claim| claim.busy).count().max(1);
            let floor = FLOOR.min(most / busy).max(1);
            share_out(&mut claims, most);
            let given: usize = claims.iter().map(|claim| claim.given).sum();
            prop_assert!(given == 0 || held + given <= most);
            let above: usize = claims.iter().filter(|claim| claim.given > 0 && claim.has() > floor).count();
            let kept: usize = claims.iter().map(|claim| claim.kept(floor)).sum();
            prop_assert!(above == 0 || held + given + kept <= most, "someone ate into another's floor");
        }
    }
}
