//! What the contract names is either built, or listed as not built yet where people read it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use broker_e2e::House;
use broker_proto::FILE_DESCRIPTOR_SET;
use http::uri::PathAndQuery;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

const BEGIN: &str = "<!-- not built yet: begin -->";
const END: &str = "<!-- not built yet: end -->";

struct Rpc {
    service: String,
    name: String,
    streams: bool,
}

#[tokio::test]
async fn the_readme_lists_exactly_the_rpcs_that_are_not_built_yet() {
    let house = House::open().await;
    let rpcs = rpcs();
    assert!(rpcs.len() > 40, "the contract has services");
    let mut unimplemented = BTreeSet::new();
    for rpc in &rpcs {
        if code(house.client.channel(), rpc).await == Code::Unimplemented {
            unimplemented.insert(format!("{}.{}", rpc.service, rpc.name));
        }
    }
    assert!(unimplemented.len() < rpcs.len(), "some are built");
    assert_eq!(listed(), unimplemented);
    house.close().await;
}

#[tokio::test]
async fn what_is_in_no_service_is_unimplemented() {
    let house = House::open().await;
    let rpc = Rpc { service: "TokenService".to_owned(), name: "NoSuchRpc".to_owned(), streams: false };
    assert_eq!(code(house.client.channel(), &rpc).await, Code::Unimplemented);
    house.close().await;
}

fn rpcs() -> Vec<Rpc> {
    let contract = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = contract.file.into_iter().filter(|file| file.package() == "tokenbroker.v1");
    let services = ours.flat_map(|file| file.service);
    let of_service = |service: prost_types::ServiceDescriptorProto| {
        let name = service.name().to_owned();
        service.method.into_iter().map(move |method| Rpc {
            service: name.clone(),
            name: method.name().to_owned(),
            streams: method.server_streaming(),
        })
    };
    services.flat_map(of_service).collect()
}

/// The code of the answer to an empty request. `()` is a message without fields: it encodes to nothing, and any
/// answer decodes to it.
async fn code(channel: Channel, rpc: &Rpc) -> Code {
    let path = format!("/tokenbroker.v1.{}/{}", rpc.service, rpc.name);
    let path: PathAndQuery = path.parse().unwrap();
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<(), ()>::default();
    let answer = match rpc.streams {
        true => client.server_streaming(Request::new(()), path, codec).await.map(drop),
        false => client.unary(Request::new(()), path, codec).await.map(drop),
    };
    answer.map_or_else(|status| status.code(), |()| Code::Ok)
}

/// What stands in backticks between the two marks.
fn listed() -> BTreeSet<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once(BEGIN).expect("README.md has the first mark");
    let (list, _) = rest.split_once(END).expect("README.md has the second mark");
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
