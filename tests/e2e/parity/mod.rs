//! Papers, manifests, dashboards and alerts name what exists, and all that exists is named.

mod known;
mod labels;
mod names;
mod papers;
mod ports;
mod rpcs;
mod settings;
