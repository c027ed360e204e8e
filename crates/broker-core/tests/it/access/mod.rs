//! What callers may do.

mod guard;
mod managing;
mod naive;
mod properties;
mod random;
mod table;
mod world;
