//! What `/metrics` shows.

mod cardinality;
mod documented;
mod page;
