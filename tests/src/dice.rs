//! Random numbers that come again with the same seed: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).

use std::time::Duration;

/// A stream of random numbers.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own, for a task whose turns come in no certain order.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// Any of `0..end`. `end` is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        // The remainder's bias is far below what anybody could see here.
        (self.next() % end as u64) as usize
    }

    /// Any time shorter than `longest`.
    pub fn pause(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.next() as f64 / u64::MAX as f64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_every_number_comes() {
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            (0..200).map(|_| dice.below(6)).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
        assert!((0..6).all(|face| rolls(7).contains(&face)));
    }
}
