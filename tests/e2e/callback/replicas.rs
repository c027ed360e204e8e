//! Two replicas on Postgres: a browser comes to whichever it likes, and the product completes at the other.

use broker_e2e::client::{read, registration};
use broker_e2e::house::{TENANT, hosted_redirect_uri};
use broker_e2e::{Answer, Fleet, Site, ask, http};
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::{self, AuthorizationState, Grant, GrantKey, HostedCallback, Reason};
use futures_util::future::join_all;
use tonic::Code;
use url::Url;

use super::stage::{RETURN_TO, location, value_of};
use crate::BINARY;
use crate::errors::refused;

const SITES: [Site; 2] = [Site::Strict, Site::Dying];
const BROWSERS: usize = 8;

/// A user who consented and whose browser is on its way to the broker.
struct Link {
    key: GrantKey,
    id: String,
    path: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_callback_at_one_replica_is_completed_at_the_other() {
    let fleet = open().await;
    for (user, site) in SITES.into_iter().enumerate() {
        for (started_at, received_at) in [(0, 1), (1, 0)] {
            let link = link(&fleet, site, started_at, 2 * user + started_at).await;
            let code = received(&fleet, &link, received_at).await;
            for replica in [0, 1] {
                assert_eq!(state(&fleet, &link, replica).await, AuthorizationState::AwaitingCompletion);
            }
            let before = fleet.simulator(site).journal().exchanges();
            let grant = complete(&fleet, &link, started_at, &code).await.unwrap();
            assert_eq!((grant.generation, fleet.simulator(site).journal().exchanges()), (1, before + 1));
            for replica in [0, 1] {
                assert_eq!(state(&fleet, &link, replica).await, AuthorizationState::Completed);
                let token = fleet.client(replica).token(ask(&link.key)).await.unwrap();
                assert_eq!(fleet.api_status(site, &token).await, 200);
            }
        }
    }
    fleet.close().await;
}

/// One of them is answered with a code, whichever replica it came to; the code works once, at whichever replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_that_many_browsers_follow_at_both_replicas_is_used_once() {
    let fleet = open().await;
    for (user, site) in SITES.into_iter().enumerate() {
        let link = link(&fleet, site, 0, user).await;
        let answers = join_all((0..BROWSERS).map(|number| follow(&fleet, &link, number % 2))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|(status, _)| *status == 303);
        assert_eq!((won.len(), lost.iter().filter(|(status, _)| *status == 410).count()), (1, BROWSERS - 1));

        let code = value_of(&location(&won[0].1).unwrap(), "completion_code").unwrap();
        let completions = join_all((0..4).map(|number| complete(&fleet, &link, number % 2, &code))).await;
        assert!(completions.iter().any(Result::is_ok), "{completions:?}");
        assert_eq!(fleet.simulator(site).journal().exchanges(), 1, "a code is exchanged once");
        for replica in [0, 1] {
            let late = complete(&fleet, &link, replica, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
            refused(late, Code::FailedPrecondition, Reason::AuthorizationInvalid);
        }
    }
    fleet.close().await;
}

async fn open() -> Fleet {
    let fleet = Fleet::plan(BINARY).replicas(2).hosted().start().await;
    for site in SITES {
        let hosted = v1::CreateClientRegistrationRequest {
            registration_id: "hosted".to_owned(),
            redirect_uri: hosted_redirect_uri(site.kin()),
            return_to: [("app".to_owned(), RETURN_TO.to_owned())].into(),
            ..registration(TENANT, site.kin())
        };
        fleet.client(0).register(hosted).await.unwrap();
    }
    fleet
}

/// A new user starts at a replica, and approves.
async fn link(fleet: &Fleet, site: Site, replica: usize, user: usize) -> Link {
    let key = fleet.keys(site, user..user + 1).remove(0);
    let request = v1::StartAuthorizationRequest {
        tenant_id: key.tenant_id.clone(),
        provider: key.provider.clone(),
        user_id: key.user_id.clone(),
        registration_id: "hosted".to_owned(),
        return_to: "app".to_owned(),
        ..Default::default()
    };
    let started = read(fleet.client(replica).consents().start_authorization(request).await).unwrap();
    let callback = site.kin().person().approve(&started.authorization_url).await.unwrap();
    let callback = Url::parse(&callback).unwrap();
    let path = format!("{}?{}", callback.path(), callback.query().unwrap());
    Link { key, id: started.authorization_id, path }
}

/// The browser comes to a replica.
async fn follow(fleet: &Fleet, link: &Link, replica: usize) -> (u16, String) {
    http::send(fleet.replica(replica).http(), "GET", &link.path, "").await
}

/// The completion code that it is sent on with.
async fn received(fleet: &Fleet, link: &Link, replica: usize) -> String {
    let (status, answer) = follow(fleet, link, replica).await;
    assert_eq!(status, 303, "{answer}");
    value_of(&location(&answer).unwrap(), "completion_code").unwrap()
}

async fn complete(fleet: &Fleet, link: &Link, replica: usize, code: &str) -> Answer<Grant> {
    let hosted = HostedCallback { authorization_id: link.id.clone(), completion_code: code.to_owned() };
    let request = v1::CompleteAuthorizationRequest {
        tenant_id: link.key.tenant_id.clone(),
        user_id: link.key.user_id.clone(),
        callback: Some(Callback::HostedCallback(hosted)),
    };
    let answer = read(fleet.client(replica).consents().complete_authorization(request).await);
    answer.map(|answer| answer.grant.unwrap())
}

async fn state(fleet: &Fleet, link: &Link, replica: usize) -> AuthorizationState {
    fleet.client(replica).authorization(TENANT, &link.id).await.unwrap().state()
}
