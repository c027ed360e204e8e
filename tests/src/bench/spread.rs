//! A figure of several rounds.

/// The middle and the ends of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The one in the middle, or halfway between the middle two.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of these values; all zero where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let Some(last) = values.len().checked_sub(1) else {
            return Self { min: 0.0, median: 0.0, max: 0.0 };
        };
        let median = f64::midpoint(values[last / 2], values[last.div_ceil(2)]);
        Self { min: values[0], median, max: values[last] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert_eq!(Spread::of([9.0, 1.0, 4.0, 2.0]), Spread { min: 1.0, median: 3.0, max: 9.0 });
    }
}
