//! Counting what happens, in this process and since it began. No metrics library is known here: the server reads the
//! counts and writes them in whatever format is asked for.

mod counts;
mod histogram;
mod histograms;
mod operations;

pub use self::counts::Counts;
pub use self::histogram::{Distribution, Histogram};
pub use self::histograms::Histograms;
pub use self::operations::{OperationTimes, Operations};
