//! Looking names up, and forgetting the addresses that may not be called. What is connected to is what was looked at: a
//! name that stands for another address a moment later (DNS rebinding) gains nothing.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::AddressPolicy;

/// A name stands for addresses that may not be called, and for none that may.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for no address that may be called")]
pub(crate) struct ForbiddenAddress;

pub(crate) struct ScreenedResolver(pub(crate) AddressPolicy);

impl Resolve for ScreenedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let permitted: Vec<_> =
                found.iter().copied().filter(|address| policy.permits(address.ip())).collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(ForbiddenAddress.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
