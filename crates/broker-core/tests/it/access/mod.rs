//! What callers may do.

mod guard;
mod managing;
mod naive;
mod properties;
mod random;
mod scopes;
mod table;
mod world;
