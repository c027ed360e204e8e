//! Key encryption keys in a transit engine: all that a tenant needs of it, and what goes on without it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker_e2e::client::{read, registration};
use broker_e2e::{Answer, House, Provider};
use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{self, KeyKind, KeyRotationState, KeyState, Reason};
use broker_server::{Surroundings, config};
use broker_transit::testing::{KEY, MOUNT, Mode, StandIn, TOKEN};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::Code;

use crate::errors::refused;

const SECOND: Duration = Duration::from_secs(1);
const HEARTBEAT: Duration = Duration::from_secs(2);
const PROVIDER: Provider = Provider::Evercam;

/// A house whose keys are wrapped by a stand-in of the service.
struct Setting {
    service: StandIn,
    house: House,
    directory: TempDir,
}

impl Setting {
    async fn open() -> Self {
        let (service, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
        let token_file = directory.path().join("token");
        std::fs::write(&token_file, TOKEN).unwrap();
        let keys = format!(
            "[keys.transit]\nurl = \"{}\"\nmount = \"{MOUNT}\"\nkey = \"{KEY}\"\ntoken_file = \"{}\"\nstart_within = \"0s\"\n",
            service.url(),
            token_file.display()
        );
        let house = House::plan().keys(&keys).open().await;
        house.remember(|canaries| canaries.add("token of the service", TOKEN));
        Self { service, house, directory }
    }

    fn token_file(&self) -> PathBuf {
        self.directory.path().join("token")
    }

    /// Why the broker does not start.
    async fn refusal(&self) -> String {
        let around = Surroundings { clock: self.house.clock.clone(), ..Surroundings::of_this_machine() };
        let started = broker_server::start(&config::load(Some(self.house.config())).unwrap(), around).await;
        format!("{:#}", started.err().expect("it must not serve"))
    }

    /// The versions of the key by name, with their states and how much each wraps.
    async fn versions(&self) -> Vec<(String, KeyState, i64)> {
        let request = v1::ListKeysRequest {
            tenant_id: "*".to_owned(),
            kind: KeyKind::Kek.into(),
            ..Default::default()
        };
        let listed = self.house.client.admin().list_keys(request).await.unwrap().into_inner();
        listed.keys.iter().map(|key| (key.key_id.clone(), key.state(), key.use_count)).collect()
    }

    async fn rotate_kek(&self) -> v1::KeyRotation {
        let request = v1::RotateKeysRequest {
            scope: Some(Scope::All(true)),
            kind: KeyKind::Kek.into(),
            ..Default::default()
        };
        let started = self.house.client.admin().rotate_keys(request).await.unwrap().into_inner();
        let mut rotation = started.key_rotation.unwrap();
        while rotation.state() == KeyRotationState::Running {
            self.house.clock.advance(HEARTBEAT);
            let request =
                v1::GetKeyRotationRequest { rotation_id: rotation.rotation_id.clone(), ..Default::default() };
            let got = self.house.client.admin().get_key_rotation(request).await.unwrap().into_inner();
            rotation = got.key_rotation.unwrap();
        }
        rotation
    }

    async fn retire(&self, key_id: &str) -> Answer<v1::RetireKeyResponse> {
        let request = v1::RetireKeyRequest { key_id: key_id.to_owned() };
        read(self.house.client.admin().retire_key(request).await)
    }

    /// Lets the broker's rest after a failure pass, and that of a failure that was still on its way.
    async fn until_served(&self, key: &v1::GrantKey) {
        for _ in 0..10 {
            self.house.clock.advance(SECOND);
            if self.house.vend(key).await.is_ok() {
                return;
            }
        }
        panic!("a service that is back is not used");
    }

    async fn restart(&mut self) {
        self.house.stop().await;
        self.house.restart().await;
    }

    /// The same without the journal, whose replay at start would open the tenants it knows.
    async fn restart_with_no_tenant_opened(&mut self) {
        self.house.stop().await;
        std::fs::remove_dir_all(self.house.data().join("escrow")).unwrap();
        self.house.restart().await;
    }
}

#[tokio::test]
async fn many_first_calls_open_a_tenant_once() {
    let mut setting = Setting::open().await;
    let key = setting.house.consent(PROVIDER, "ada").await;
    setting.restart_with_no_tenant_opened().await;
    let before = setting.service.calls("decrypt");
    let mut crowd = JoinSet::new();
    let client = Arc::new(setting.house.client.clone());
    for _ in 0..20 {
        let (client, request) = (client.clone(), broker_e2e::ask(&key));
        crowd.spawn(async move { client.token(request).await.map(|token| token.generation) });
    }
    for generation in crowd.join_all().await {
        assert_eq!(generation.unwrap(), 1);
    }
    assert_eq!(setting.service.calls("decrypt") - before, 2, "one for each purpose");
    setting.house.close().await;
}

#[tokio::test]
async fn a_rotation_of_the_transit_key_is_followed_and_its_old_version_retired() {
    let mut setting = Setting::open().await;
    let key = setting.house.consent(PROVIDER, "ada").await;
    let (v1, v2) = ("transit.broker.v1".to_owned(), "transit.broker.v2".to_owned());
    assert_eq!(setting.versions().await, [(v1.clone(), KeyState::Primary, 4)]);

    setting.service.rotate();
    let rotation = setting.rotate_kek().await;
    assert_eq!(
        (rotation.state(), rotation.done_count, rotation.failed_count),
        (KeyRotationState::Succeeded, 4, 0)
    );
    assert_eq!(
        setting.versions().await,
        [(v1.clone(), KeyState::Opening, 0), (v2.clone(), KeyState::Primary, 4)]
    );
    refused(setting.retire(&v2).await, Code::FailedPrecondition, Reason::KeyInUse);
    assert_eq!(setting.retire(&v1).await.unwrap().key.unwrap().state(), KeyState::Retired);

    setting.service.set_min_decryption_version(2);
    setting.restart().await;
    assert_eq!(setting.house.vend(&key).await.unwrap().generation, 1);
    setting.house.close().await;
}

#[tokio::test]
async fn a_version_that_wraps_anything_is_not_retired() {
    let setting = Setting::open().await;
    setting.service.rotate();
    setting.house.client.create_tenant("other").await.unwrap();
    let versions = setting.versions().await;
    assert_eq!(versions.iter().map(|(_, _, uses)| *uses).collect::<Vec<_>>(), [4, 2]);
    refused(setting.retire("transit.broker.v1").await, Code::FailedPrecondition, Reason::KeyInUse);
    setting.house.close().await;
}

#[tokio::test]
async fn opened_tenants_are_served_without_the_service_and_others_told_to_come_again() {
    let mut setting = Setting::open().await;
    let key = setting.house.consent(PROVIDER, "ada").await;
    setting.service.set_mode(Mode::Away);
    setting.house.outlive_token(PROVIDER);
    assert_eq!(setting.house.vend(&key).await.unwrap().generation, 2, "opened keys need nobody");

    setting.service.set_mode(Mode::Serves);
    setting.restart_with_no_tenant_opened().await;
    for mode in [Mode::Sealed, Mode::Away] {
        setting.service.set_mode(mode);
        let error = refused(setting.house.vend(&key).await, Code::Unavailable, Reason::BackendUnavailable);
        assert!(error.retry_delay().is_some(), "{error}");
        setting.house.clock.advance(SECOND);
    }
    refused(setting.house.client.create_tenant("other").await, Code::Unavailable, Reason::BackendUnavailable);
    setting.service.set_mode(Mode::Serves);
    setting.until_served(&key).await;
    setting.house.client.create_tenant("other").await.unwrap();
    setting.house.client.register(registration("other", PROVIDER)).await.unwrap();
    setting.house.close().await;
}

#[tokio::test]
async fn a_start_that_cannot_open_anything_says_why() {
    let mut setting = Setting::open().await;
    setting.house.stop().await;
    setting.service.set_mode(Mode::Away);
    let away = setting.refusal().await;
    assert!(away.starts_with("[keys.transit]") && away.contains("does not answer"), "{away}");
    setting.service.set_mode(Mode::Sealed);
    assert!(setting.refusal().await.contains("sealed"));
    setting.service.set_mode(Mode::Serves);
    setting.service.set_token("hvs.another");
    let wrong = setting.refusal().await;
    assert!(wrong.contains("refuses the token (403)") && !wrong.contains("hvs."), "{wrong}");

    std::fs::write(setting.token_file(), "hvs.another").unwrap();
    setting.service.set_min_decryption_version(2);
    setting.service.rotate();
    let gone = setting.refusal().await;
    assert!(
        gone.contains("do not open under transit key broker") && gone.contains("transit.broker.v1"),
        "{gone}"
    );
    setting.service.set_min_decryption_version(1);
    setting.house.restart().await;
    setting.house.close().await;
}
