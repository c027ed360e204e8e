//! Etags: the version of a resource, opaque to clients.

use broker_core::RowVersion;

/// No resource has it.
const NO_VERSION: RowVersion = RowVersion::new(0);

/// The etag of a version.
pub(in crate::grpc) fn write(version: RowVersion) -> String {
    format!("{:x}", version.get())
}

/// The version an update expects: any for an empty etag, and none at all for one that was never given out.
pub(super) fn read(etag: &str) -> Option<RowVersion> {
    match etag {
        "" => None,
        etag => Some(u64::from_str_radix(etag, 16).map_or(NO_VERSION, RowVersion::new)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_read_back_and_nonsense_expects_what_nobody_has() {
        let version = RowVersion::new(1_700_000_000_000_001);
        assert_eq!(read(&write(version)), Some(version));
        assert_eq!(read(""), None);
        for nonsense in ["x", "-1", "W/\"1\"", "ffffffffffffffffff"] {
            assert_eq!(read(nonsense), Some(NO_VERSION), "{nonsense}");
        }
    }
}
