//! A grant's own pace, so that what was issued together does not stay together.

use broker_crypto::sha256;

use crate::{Generation, GrantId};

/// How many generations keep one draw.
///
/// Fresh draws spread a wave by the root of its generations: one issued in a single second and refreshed at 0.6 to 0.8
/// of its life still doubles and halves the load after a dozen. One draw kept for four generations spreads by their
/// number: four times a width of 0.2 cover the mean period of 0.7, and the wave is gone within two draws. The draw's
/// range, and with it the provider's load, stays as it is.
const KEPT: u64 = 4;

/// The draw in [0, 1) for the refresh of this generation of a grant: even over grants, the same for [`KEPT`]
/// generations, then another.
pub fn pace(grant: GrantId, generation: Generation) -> f64 {
    let draw = generation.get().saturating_sub(1) / KEPT;
    let digest = sha256(format!("pace {grant} {draw}").as_bytes());
    let [a, b, c, d, ..] = digest;
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_kept_for_four_generations() {
        let draws: Vec<_> =
            (1..=9).map(|generation| pace(GrantId::NIL, Generation::new(generation))).collect();
        assert!(draws[..4].iter().all(|draw| *draw == draws[0]));
        assert!(draws[4..8].iter().all(|draw| *draw == draws[4]));
        assert!(draws[0] != draws[4] && draws[4] != draws[8]);
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
    }
}
