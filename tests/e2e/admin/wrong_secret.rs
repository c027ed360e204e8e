//! A wrong client secret is deployed with a thousand grants behind it.

use std::time::Duration;

use broker_e2e::client::{read, registration};
use broker_e2e::{House, LONGEST_WAIT, Provider, http};
use broker_proto::v1::{
    ClientRegistrationState, GetSchedulerStatusRequest, Grant, GrantKey, GrantPhase, GrantState,
    ListGrantsRequest,
};
use futures_util::{StreamExt as _, stream};
use provider_sim::Endpoint;

use super::{add_secret, most_looks, retire_secret, until};

const GRANTS: usize = 1000;
const CONSENTS_AT_ONCE: usize = 16;
const PROVIDER: Provider = Provider::Evercam;
/// A tenant of its own: its lines in the log are this test's.
const TENANT: &str = "thousandfold";
/// How long the registration stays wrong, at least.
const PAUSES: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_grant_is_burnt_one_alert_is_raised_and_everything_resumes_by_itself() {
    let house = House::plan().scheduler().open().await;
    let (of, journal) = ((TENANT, PROVIDER), house.simulator(PROVIDER).journal());
    house.client.create_tenant(TENANT).await.unwrap();
    house.client.register(registration(TENANT, PROVIDER)).await.unwrap();
    consents(&house).await;

    add_secret(&house, of, "deployed-by-mistake", true).await;
    retire_secret(&house, of, "1", "").await.unwrap();
    // Every token is past its due time, and none has expired.
    house.clock.advance(Duration::from_secs(2900));
    until_idle(&house, 0).await;
    let refused = || journal.count(|entry| entry.endpoint == Endpoint::Refresh);
    let (at_once, since) = (refused(), house.clock.seconds());
    for _ in 0..PAUSES {
        house.clock.advance(Duration::from_secs(60));
        until_idle(&house, 0).await;
    }
    let (canaries, seconds) = (refused() - at_once, house.clock.seconds() - since);
    // What was in flight together when the first refusal came, and then one a minute.
    assert!((1..=64).contains(&at_once), "{at_once} were refused at once");
    let most = usize::try_from(seconds / 60 + 1).unwrap();
    assert!((PAUSES - 1..=most).contains(&canaries), "{canaries} canaries in {seconds} seconds");

    assert_eq!(journal.refreshes(), 0);
    let grants = grants(&house).await;
    assert_eq!(grants.len(), GRANTS);
    assert!(grants.iter().all(is_unharmed), "a grant was burnt");
    assert_eq!(state(&house).await, ClientRegistrationState::Rejected);
    assert_eq!(alerts(&house), (1, 0));
    assert_eq!(rejected(&house).await, Some(1));

    add_secret(&house, of, PROVIDER.client_secret(), false).await;
    journal.wait_for(|journal| journal.refreshes() >= 1, LONGEST_WAIT).await.unwrap();
    // Those that were put off come back within a pause.
    for _ in 0..2 {
        house.clock.advance(Duration::from_secs(45));
        until_idle(&house, GRANTS).await;
    }
    let grants = self::grants(&house).await;
    assert!(grants.iter().all(|grant| grant.generation == 2 && is_unharmed(grant)));
    assert_eq!((journal.refreshes(), most_looks(journal)), (GRANTS, 1));
    assert_eq!(state(&house).await, ClientRegistrationState::Active);
    house.clock.advance(Duration::from_secs(3));
    until(async || rejected(&house).await.is_none()).await;
    assert_eq!(alerts(&house), (1, 1));
    house.close().await;
}

async fn consents(house: &House) {
    let users = (0..GRANTS).map(|user| async move {
        let key = GrantKey { tenant_id: TENANT.to_owned(), ..house.key(PROVIDER, &format!("u-{user}")) };
        let (_, callback) = house.approve(&key).await;
        house.client.complete(&key, &callback).await.unwrap();
    });
    stream::iter(users).buffer_unordered(CONSENTS_AT_ONCE).collect::<()>().await;
}

fn is_unharmed(grant: &Grant) -> bool {
    (grant.state(), grant.phase(), grant.tainted) == (GrantState::Active, GrantPhase::Idle, false)
}

async fn grants(house: &House) -> Vec<Grant> {
    let request = ListGrantsRequest { tenant_id: TENANT.to_owned(), page_size: 1000, ..Default::default() };
    read(house.client.admin().list_grants(request).await).unwrap().grants
}

async fn state(house: &House) -> ClientRegistrationState {
    super::registration(house, TENANT, PROVIDER).await.state()
}

/// Lets the scheduler work until nothing is due or under way and so many refreshes are done. Time passes only while
/// nothing else moves.
async fn until_idle(house: &House, refreshes: usize) {
    let mut before = None;
    until(async || {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let status = house.client.admin().get_scheduler_status(GetSchedulerStatusRequest {}).await;
        let status = read(status).unwrap().status.unwrap();
        let now = (status.due_count, status.in_flight_count, house.simulator(PROVIDER).journal().refreshes());
        if before.replace(now) == Some(now) {
            house.clock.advance(Duration::from_secs(1));
        }
        now.0 == 0 && now.1 == 0 && now.2 >= refreshes
    })
    .await;
}

/// Lines that tell of a rejection and of a recovery of this registration.
fn alerts(house: &House) -> (usize, usize) {
    let log = house.log();
    let of_this = |what: &str| {
        let line = |line: &&str| line.contains(what) && line.contains(TENANT);
        log.lines().filter(line).count()
    };
    (of_this("registration.rejected"), of_this("registration.recovered"))
}

/// What `/metrics` says of registrations that are rejected; `None` where it says nothing.
async fn rejected(house: &House) -> Option<u64> {
    let (status, page) = http::get(house.http(), "/metrics", "none").await;
    assert_eq!(status, 200);
    let sample = "token_broker_registrations_rejected{provider=\"evercam\"} ";
    page.lines().find_map(|line| line.strip_prefix(sample)).map(|count| count.trim().parse().unwrap())
}
