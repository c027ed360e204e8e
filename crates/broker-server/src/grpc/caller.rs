//! Who calls.

use tonic::metadata::MetadataMap;

/// Metadata that names the caller in mode `dev`.
const HEADER: &str = "x-tokenbroker-principal";
const ANYBODY: &str = "dev";

/// The name a caller goes by, for logs. In mode `dev` it is whatever the caller says.
pub(super) fn principal(metadata: &MetadataMap) -> &str {
    let named = metadata.get(HEADER).and_then(|value| value.to_str().ok());
    named.filter(|name| !name.is_empty() && name.len() <= 256).unwrap_or(ANYBODY)
}
