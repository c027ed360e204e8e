//! The one decision of a call: was its body released to the wire, or withheld for good?

use std::sync::{Arc, OnceLock};

use crate::Cause;

/// Decided once, by whoever comes first: the body that is about to be written, or the call that gives up.
///
/// Both sides run on different tasks. Without one shared decision a call could report "nothing was sent"
/// while the connection still writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Release(Arc<OnceLock<Verdict>>);

#[derive(Debug)]
enum Verdict {
    Released,
    Withheld(Cause),
}

impl Release {
    /// Takes the decision to write. `false` if the body is withheld already, or was released before.
    pub(crate) fn release(&self) -> bool {
        self.0.set(Verdict::Released).is_ok()
    }

    /// Takes the decision not to write. Answers why the body is withheld: `cause`, unless another came
    /// first. `None` if it was released.
    pub(crate) fn withhold(&self, cause: Cause) -> Option<Cause> {
        match self.0.get_or_init(|| Verdict::Withheld(cause)) {
            Verdict::Released => None,
            Verdict::Withheld(first) => Some(first.clone()),
        }
    }
}

/// Withholds the body when the call is dropped, so that a cancelled call is never sent later.
#[derive(Debug)]
pub(crate) struct WithholdOnDrop(pub(crate) Release);

impl Drop for WithholdOnDrop {
    fn drop(&mut self) {
        self.0.withhold(Cause::Abandoned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_decision_stands() {
        let released = Release::default();
        assert!(released.release());
        assert!(!released.release(), "a body is released once");
        assert_eq!(released.withhold(Cause::Timeout), None);

        let withheld = Release::default();
        assert_eq!(withheld.withhold(Cause::GateRefused), Some(Cause::GateRefused));
        assert_eq!(withheld.withhold(Cause::Timeout), Some(Cause::GateRefused));
        assert!(!withheld.release());
    }

    #[test]
    fn a_dropped_call_withholds() {
        let release = Release::default();
        drop(WithholdOnDrop(release.clone()));
        assert!(!release.release());
    }
}
