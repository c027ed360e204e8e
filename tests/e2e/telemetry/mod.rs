//! What a broker tells a collector, and what it writes on stderr.

mod apart;
mod events;
mod no_collector;
mod traces;

use std::time::Duration;

use broker_e2e::house::Plan;
use broker_e2e::{Collector, House, Provider, ask, client::read};
use broker_proto::v1::{GetAccessTokenResponse, GrantKey};
use provider_sim::EvercamConfig;
use tonic::Request;

use crate::BINARY;

/// The caller's own span: the last of a trace that began elsewhere.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Long enough to be no part of any other word.
const USER: &str = "user-canary-7431-never-told";

/// Tokens live so long that one is vended, and so short that the next vend refreshes.
const TOKEN_LIFE: Duration = Duration::from_secs(2);

const PAUSE: Duration = Duration::from_millis(50);

fn telemetry(endpoint: &str, protocol: &str, more: &str) -> String {
    format!("[telemetry]\notlp_endpoint = \"{endpoint}\"\notlp_protocol = \"{protocol}\"\n{more}")
}

/// A broker of its own process. It refreshes nothing by itself.
fn plan(sections: &str) -> Plan {
    let evercam = EvercamConfig { access_ttl: TOKEN_LIFE, ..EvercamConfig::demo() };
    House::plan().child(BINARY).recorded().evercam(evercam).rotation("tick", "3650days").sections(sections)
}

/// Asks as part of the caller's trace.
async fn ask_traced(house: &House, key: &GrantKey) -> GetAccessTokenResponse {
    let mut request = Request::new(ask(key));
    // Of a version that nobody knows yet, and a list in two headers.
    let parent = format!("01-{TRACE}-{CALLER}-01-more");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    request.metadata_mut().append("tracestate", "vendor=1".parse().unwrap());
    request.metadata_mut().append("tracestate", "other=2".parse().unwrap());
    request.metadata_mut().insert("baggage", "canary-baggage=1".parse().unwrap());
    read(house.client.tokens().get_access_token(request).await).unwrap()
}

/// Asks until the token held is too old, and the one that comes is another.
async fn ask_until_rotated(house: &House, key: &GrantKey) {
    let asking = async {
        while ask_traced(house, key).await.generation < 2 {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(broker_e2e::LONGEST_WAIT, asking).await.expect("the token is never refreshed");
}

async fn open(collector: &Collector, protocol: &str, more: &str) -> House {
    let endpoint = format!("http://{}", collector.address);
    plan(&telemetry(&endpoint, protocol, more)).open().await
}

/// A house where a caller's question caused a rotation, and whose broker has ended.
async fn rotated(collector: &Collector, protocol: &str, more: &str) -> House {
    let mut house = open(collector, protocol, more).await;
    let key = house.consent(Provider::Evercam, USER).await;
    ask_until_rotated(&house, &key).await;
    house.stop().await;
    house
}
