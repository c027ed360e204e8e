//! What `/metrics` shows.

mod cardinality;
mod conditions;
mod documented;
mod page;
