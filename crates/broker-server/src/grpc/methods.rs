//! The methods that are served, by their names: whatever else a path says is a caller's to choose.

use std::sync::LazyLock;

use broker_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::FileDescriptorSet;

/// What a method is called that nobody knows.
pub(super) const OTHER: &str = "_OTHER";

/// Methods that stand in no contract of ours.
const FOREIGN: [&str; 3] = [
    "envoy.service.auth.v3.Authorization/Check",
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
];

static KNOWN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names = contract();
    names.extend(FOREIGN.map(str::to_owned));
    names.sort_unstable();
    names
});

/// `package.Service/Method` of each that is served, in order.
pub(super) fn known() -> &'static [String] {
    &KNOWN
}

/// The method of a path: its name, or [`OTHER`].
pub(super) fn of_path(path: &str) -> &'static str {
    let name = path.trim_start_matches('/');
    let found = KNOWN.binary_search_by(|known| known.as_str().cmp(name));
    found.map_or(OTHER, |at| KNOWN[at].as_str())
}

fn contract() -> Vec<String> {
    // Never fails because the build made it.
    let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default().file;
    let mut methods = Vec::new();
    for file in &files {
        for service in &file.service {
            let names = service.method.iter().map(|method| method.name());
            methods.extend(names.map(|name| format!("{}.{}/{name}", file.package(), service.name())));
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_served_has_a_name() {
        let get = "tokenbroker.v1.TokenService/GetAccessToken";
        assert!(known().len() > 40);
        assert_eq!(of_path(&format!("/{get}")), get);
        assert_eq!(of_path("/grpc.health.v1.Health/Check"), "grpc.health.v1.Health/Check");
        for path in ["", "/", "/tokenbroker.v1.TokenService/Get", "/tokenbroker.v1.X/0123", "/a/b"] {
            assert_eq!(of_path(path), OTHER, "{path}");
        }
    }
}
