//! The device flow (RFC 8628): the broker polls, and its user answers elsewhere.

mod ends;
mod flow;
mod kills;
mod replicas;

use std::time::Duration;

use broker_e2e::client::registration;
use broker_e2e::house::TENANT;
use broker_e2e::{Client, House, LONGEST_WAIT, Provider};
use broker_proto::v1::{
    AuthorizationState, CreateClientRegistrationRequest, GetAuthorizationResponse, GrantKey,
    StartDeviceAuthorizationResponse,
};
use provider_sim::{Endpoint, Entry, Journal};

/// Between two questions of how far it is.
const PAUSE: Duration = Duration::from_millis(20);

/// A house on simulated time that polls.
async fn house() -> House {
    let house = House::plan().recorded().scheduler().open().await;
    allow_devices(&house.client).await;
    house
}

/// Registers what devices may use at Evercam, beside the registration that everybody has.
async fn allow_devices(client: &Client) {
    let request = CreateClientRegistrationRequest {
        registration_id: "tv".to_owned(),
        allow_device_authorization: true,
        ..registration(TENANT, Provider::Evercam)
    };
    client.register(request).await.unwrap();
}

/// Starts the flow for a user of a house.
async fn start(house: &House, user: &str) -> (GrantKey, StartDeviceAuthorizationResponse) {
    let key = house.key(Provider::Evercam, user);
    let started = house.client.start_device(&key).await.unwrap();
    (key, started)
}

async fn approve(started: &StartDeviceAuthorizationResponse) {
    Provider::Evercam.person().approve_device(&started.verification_uri_complete).await.unwrap();
}

async fn told(client: &Client, started: &StartDeviceAuthorizationResponse) -> GetAuthorizationResponse {
    client.authorization(TENANT, &started.authorization_id).await.unwrap()
}

async fn state(house: &House, started: &StartDeviceAuthorizationResponse) -> AuthorizationState {
    told(&house.client, started).await.state()
}

/// Waits, on the machine's clock, until it is known that the user has answered or the flow has ended in another way.
pub(crate) async fn until_ended(
    client: &Client,
    started: &StartDeviceAuthorizationResponse,
) -> GetAuthorizationResponse {
    let asking = async {
        loop {
            match told(client, started).await {
                answer if answer.state() != AuthorizationState::Pending => return answer,
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    tokio::time::timeout(LONGEST_WAIT, asking).await.expect("the authorization ends")
}

/// Lets seconds pass on the clock of the house, and waits until so many polls in all were answered and settled.
async fn pass(house: &House, seconds: u64, in_all: usize) {
    house.clock.advance(Duration::from_secs(seconds));
    let journal = house.simulator(Provider::Evercam).journal();
    until_polled(journal, in_all).await;
    house.until_settled().await;
}

/// Waits until so many polls in all were answered.
async fn until_polled(journal: &Journal, in_all: usize) {
    let answered = |journal: &Journal| polls(journal).iter().filter(|poll| poll.outcome.is_some()).count();
    journal.wait_for(|journal| answered(journal) >= in_all, LONGEST_WAIT).await.unwrap();
}

fn polls(journal: &Journal) -> Vec<Entry> {
    let mut entries = journal.entries();
    entries.retain(|entry| entry.endpoint == Endpoint::Token);
    entries
}

/// The pauses between polls.
fn pauses(journal: &Journal) -> Vec<Duration> {
    let polls = polls(journal);
    let pairs = polls.windows(2);
    pairs.map(|pair| Duration::from_millis(pair[1].time - pair[0].time)).collect()
}

/// What the provider answered to each poll: an error code, or nothing.
fn answers(journal: &Journal) -> Vec<Option<String>> {
    polls(journal).into_iter().map(|poll| poll.outcome.and_then(|outcome| outcome.error)).collect()
}
