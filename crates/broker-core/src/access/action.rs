//! What a caller can be allowed to do.

use std::fmt;

/// One kind of doing, as a policy allows it; the contract says which RPC is of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessAction {
    /// Get tokens.
    Vend,
    /// Obtain, import and revoke grants.
    Consent,
    /// Read what holds no secret.
    Observe,
    /// Change how grants are kept.
    Operate,
    /// Change tenants, client registrations, access policies, keys and webhooks.
    Administer,
}

impl AccessAction {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Vend, Self::Consent, Self::Observe, Self::Operate, Self::Administer];

    /// Its name in configuration, stores and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vend => "vend",
            Self::Consent => "consent",
            Self::Observe => "observe",
            Self::Operate => "operate",
            Self::Administer => "administer",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for AccessAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One action or several. Written as their names, joined by one space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ActionSet(u8);

impl ActionSet {
    /// These actions. `None`: there are none.
    pub fn new(actions: impl IntoIterator<Item = AccessAction>) -> Option<Self> {
        let set = Self::of(actions);
        (set.0 != 0).then_some(set)
    }

    /// Every action.
    pub fn all() -> Self {
        Self::of(AccessAction::ALL)
    }

    fn of(actions: impl IntoIterator<Item = AccessAction>) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | action.bit()))
    }

    /// From the names, as [`Display`](fmt::Display) writes them.
    pub fn from_names(names: &str) -> Option<Self> {
        let actions: Option<Vec<_>> = names.split(' ').map(AccessAction::from_name).collect();
        actions.and_then(Self::new)
    }

    /// Whether it holds this action.
    pub fn contains(self, action: AccessAction) -> bool {
        self.0 & action.bit() != 0
    }

    /// Its actions, in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = AccessAction> {
        AccessAction::ALL.into_iter().filter(move |action| self.contains(*action))
    }
}

impl fmt::Display for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(AccessAction::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_written_and_read_back_in_one_order() {
        let set = ActionSet::new([AccessAction::Operate, AccessAction::Vend, AccessAction::Operate]).unwrap();
        assert_eq!(set.to_string(), "vend operate");
        assert_eq!(ActionSet::from_names("operate vend"), Some(set));
        assert_eq!(ActionSet::all().iter().count(), 5);
    }

    #[test]
    fn nothing_and_nonsense_are_no_set() {
        assert_eq!(ActionSet::new([]), None);
        for names in ["", "vend,operate", "VEND", "vend  operate", "vend fly"] {
            assert_eq!(ActionSet::from_names(names), None, "{names}");
        }
    }
}
