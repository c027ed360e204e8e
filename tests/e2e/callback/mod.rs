//! The broker's own callback page, as a browser and a product see it.

mod attacks;
mod flow;
mod replicas;
mod stage;
