//! Where a sealed value belongs. Bound into the seal, so that a moved or swapped row does not open.

/// The row a secret belongs to; with the secret's field name it becomes the associated data.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The tenant's id.
    pub tenant: &'a str,
    /// Id of the grant, client registration, authorization or attempt that owns the value.
    pub owner: &'a str,
    /// Generation of a grant's token set; version of anything else.
    pub generation: u64,
}

impl Place<'_> {
    /// `tenant | owner | field | generation`, every part length-prefixed so that no two places encode alike.
    pub(crate) fn associated_data(&self, field: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.tenant.len() + self.owner.len() + field.len());
        for part in [self.tenant, self.owner, field] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(&self.generation.to_be_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn different_places_never_encode_alike(a in any::<(String, String, u64)>(), b in any::<(String, String, u64)>()) {
            let data = |(tenant, owner, generation): &(String, String, u64)| {
                Place { tenant, owner, generation: *generation }.associated_data("f")
            };
            prop_assert_eq!(a == b, data(&a) == data(&b));
        }
    }
}
