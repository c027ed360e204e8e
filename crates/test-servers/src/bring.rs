//! Takes the first way that leads to a server.

use anyhow::Result;

use crate::machine;
use crate::missing::Missing;
use crate::product::Product;
use crate::server::Server;
use crate::source::{Source, Use, ways};

/// A server from the best source that yields one. A source that is there and fails is told on stderr, and the next one
/// is tried.
pub(crate) fn bring(
    product: &Product,
    purpose: Use,
    start: impl Fn(Source) -> Result<Server>,
) -> Result<Server, Missing> {
    let mut tried = Vec::new();
    for (kind, way) in ways(purpose, machine::facts(product)) {
        match way.map(|source| (source.to_string(), start(source))) {
            Ok((_, Ok(server))) => return Ok(server),
            Ok((name, Err(error))) => tried.push((kind, failed(product, &name, &error))),
            Err(why) => tried.push((kind, why)),
        }
    }
    Err(Missing::new(product, purpose, &tried))
}

fn failed(product: &Product, source: &str, error: &anyhow::Error) -> String {
    let why = format!("{} from {source} failed: {error:#}", product.name);
    eprintln!("test-servers: {why}");
    why
}
