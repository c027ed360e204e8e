//! Papers, manifests, dashboards and alerts name what exists, and all that exists is named.

mod known;
mod names;
mod papers;
mod rpcs;
