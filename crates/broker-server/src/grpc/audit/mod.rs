//! Recording calls that were denied or have failed: at the edge, whoever answered.

mod draft;
mod layer;
mod outcome;

pub(crate) use self::draft::{Batch, Draft, Given};
pub(crate) use self::layer::Audited;
pub(in crate::grpc) use self::outcome::{code_name, outcome};
