//! A tenant is deleted. What a backup from before is worth then: nothing, once the data keys are gone from it, or the
//! key encryption key that they lie under.

mod dump;
mod restored;

use std::fs;
use std::time::Duration;

use broker_e2e::client::{read, registration};
use broker_e2e::{House, LONGEST_WAIT, Provider};
use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{self, KeyKind, KeyRotationState, TenantState};

use self::restored::Restored;
use crate::BINARY;

/// The tenant that stays.
const STAYS: &str = "globex";
const PAUSE: Duration = Duration::from_millis(50);

/// Another key than the one of a house.
const NEW_KEK: &str = "kek-2:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n";

#[tokio::test]
async fn of_a_deleted_tenant_nothing_opens_once_its_keys_are_gone_from_the_backup() {
    let mut house = House::plan().child(BINARY).rotation("tick", "100ms").open().await;
    let goes = house.consent(Provider::Evercam, "ada").await;
    let stays = consent_of_another_tenant(&house).await;
    let backup = Restored::taken_from(&house).await;
    let old_kek = fs::read_to_string(house.kek()).unwrap();

    delete(&house, &goes.tenant_id).await;
    rewrap(&mut house, &old_kek).await;
    let refused = house.vend(&goes).await.unwrap_err();
    assert_eq!(refused.reason(), Some(v1::Reason::ConsentRequired), "{refused:?}");
    house.vend(&stays).await.unwrap();

    // As long as somebody keeps the old key, everything opens: that is why it has to be destroyed.
    let everything = backup.copy(&house).under(&old_kek).serve().await;
    everything.vend(&goes).await.unwrap();
    everything.stop().await;

    let said = backup.copy(&house).under(NEW_KEK).refuses_to_serve().await;
    assert!(said.contains("kek-1"), "{said}");

    // A backup that keeps data keys apart, restored with those of today.
    let apart = backup.copy(&house).under(NEW_KEK).with_data_keys_of(&house).await.serve().await;
    apart.vend(&stays).await.unwrap();
    apart.vend(&goes).await.unwrap_err();
    apart.stop().await;
    house.close().await;
}

async fn consent_of_another_tenant(house: &House) -> v1::GrantKey {
    house.client.create_tenant(STAYS).await.unwrap();
    house.client.register(registration(STAYS, Provider::Evercam)).await.unwrap();
    let key = v1::GrantKey { tenant_id: STAYS.to_owned(), ..house.key(Provider::Evercam, "grace") };
    let (_, callback) = house.approve(&key).await;
    house.client.complete(&key, &callback).await.unwrap();
    key
}

async fn delete(house: &House, tenant: &str) {
    let request = v1::DeleteTenantRequest { tenant_id: tenant.to_owned(), ..Default::default() };
    let deleting = async {
        loop {
            let answer = read(house.client.admin().delete_tenant(request.clone()).await).unwrap();
            if answer.tenant.unwrap().state() == TenantState::Deleted {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, deleting).await.expect("the tenant is deleted");
}

/// Wraps every data key under the new key, retires the old one and takes it away.
async fn rewrap(house: &mut House, old_kek: &str) {
    house.stop().await;
    fs::write(house.kek(), format!("{NEW_KEK}{old_kek}")).unwrap();
    house.restart().await;
    let request = v1::RotateKeysRequest {
        scope: Some(Scope::All(true)),
        kind: KeyKind::Kek.into(),
        ..Default::default()
    };
    let started = read(house.client.admin().rotate_keys(request).await).unwrap().key_rotation.unwrap();
    let rotating = async {
        let request = v1::GetKeyRotationRequest { rotation_id: started.rotation_id, ..Default::default() };
        loop {
            let answer = read(house.client.admin().get_key_rotation(request.clone()).await).unwrap();
            let rotation = answer.key_rotation.unwrap();
            if rotation.state() != KeyRotationState::Running {
                return rotation;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let ended = tokio::time::timeout(LONGEST_WAIT, rotating).await.expect("the rotation ends");
    assert_eq!(ended.state(), KeyRotationState::Succeeded, "{ended:?}");
    let retire = v1::RetireKeyRequest { key_id: "kek-1".to_owned() };
    read(house.client.admin().retire_key(retire).await).unwrap();
    house.stop().await;
    fs::write(house.kek(), NEW_KEK).unwrap();
    house.restart().await;
}
