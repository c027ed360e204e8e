//! What a path names.

use crate::grpc::methods::of_path;

/// The services whose calls have a span and an event: those of the contract, and Envoy's question. Not health: probes ask
/// every few seconds, and their answers are in metrics.
const TOLD: [&str; 2] = ["/tokenbroker.v1.", "/envoy.service.auth.v3."];

/// The methods that answer with a stream.
const STREAMS: [&str; 2] =
    ["tokenbroker.v1.TokenService/WatchAccessTokens", "tokenbroker.v1.EventService/WatchEvents"];

/// How methods begin that change nothing.
const READS: [&str; 7] = ["BatchGet", "Check", "Explain", "Get", "List", "Verify", "Watch"];

/// `package.Service/Method`, if the call of that path is told of. What nobody serves has one name.
pub(super) fn told(path: &str) -> Option<&'static str> {
    TOLD.iter().any(|service| path.starts_with(service)).then(|| of_path(path))
}

/// Whether it answers with a stream.
pub(super) fn streams(method: &str) -> bool {
    STREAMS.contains(&method)
}

/// Whether it changes nothing.
pub(super) fn only_reads(method: &str) -> bool {
    let name = method.rsplit('/').next().unwrap_or_default();
    READS.iter().any(|verb| name.starts_with(verb))
}

#[cfg(test)]
mod tests {
    use broker_proto::FILE_DESCRIPTOR_SET;
    use broker_proto::external_authorization::authorization_server;
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    fn contract() -> Vec<(String, bool)> {
        let contract = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let ours = contract.file.into_iter().filter(|file| file.package() == "tokenbroker.v1");
        let mut methods = Vec::new();
        for service in ours.flat_map(|file| file.service) {
            for method in &service.method {
                let name = format!("tokenbroker.v1.{}/{}", service.name(), method.name());
                methods.push((name, method.server_streaming()));
            }
        }
        methods
    }

    #[test]
    fn streams_are_those_of_the_contract() {
        let methods = contract();
        assert!(methods.len() > 40);
        for (method, is_stream) in methods {
            assert_eq!(streams(&method), is_stream, "{method}");
            assert_eq!(told(&format!("/{method}")), Some(method.as_str()));
        }
    }

    #[test]
    fn a_caller_chooses_no_name() {
        assert_eq!(told("/tokenbroker.v1.X/whatever-it-likes"), Some("_OTHER"));
    }

    #[test]
    fn probes_are_not_told_of() {
        assert_eq!(told("/grpc.health.v1.Health/Check"), None);
        assert_eq!(
            told(&format!("/{}/Check", authorization_server::SERVICE_NAME)).map(only_reads),
            Some(true)
        );
    }

    #[test]
    fn what_only_reads_is_known_by_its_verb() {
        for (method, reads) in [
            ("tokenbroker.v1.TokenService/GetAccessToken", true),
            ("tokenbroker.v1.TokenService/BatchGetAccessTokens", true),
            ("tokenbroker.v1.ConsentService/RevokeGrant", false),
            ("tokenbroker.v1.TokenService/ReportRejectedToken", false),
        ] {
            assert_eq!(only_reads(method), reads, "{method}");
        }
    }
}
