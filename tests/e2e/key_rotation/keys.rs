//! What an operator does with keys, over gRPC.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{Answer, Client};
use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{
    GetKeyRotationRequest, Key, KeyKind, KeyRotation, KeyRotationState, KeyState, ListKeysRequest,
    RetireKeyRequest, RotateKeysRequest,
};

const PAUSE: Duration = Duration::from_millis(10);
/// Takeovers, a walk over every tenant twice and a file that is read every 10 s, all of it on a busy machine.
const LONGEST: Duration = Duration::from_secs(120);

/// Starts a rotation of the keys of every tenant.
pub(super) async fn rotate_all(client: &Client, kind: KeyKind) -> KeyRotation {
    let request =
        RotateKeysRequest { scope: Some(Scope::All(true)), kind: kind.into(), ..Default::default() };
    read(client.admin().rotate_keys(request).await).unwrap().key_rotation.unwrap()
}

/// Waits until the rotation is in the middle: it has done more than before, and not everything.
pub(super) async fn in_the_middle(client: &Client, rotation: &KeyRotation) -> KeyRotation {
    let more = |now: &KeyRotation| now.done_count > rotation.done_count && now.remaining_count > 0;
    let now = until(client, rotation, more).await;
    assert_eq!(now.state(), KeyRotationState::Running, "it is over: {now:?}");
    now
}

/// How far the rotation was when whoever worked on it was killed: perhaps a page more than was seen before.
pub(super) async fn still_in_the_middle(client: &Client, seen: &KeyRotation) -> KeyRotation {
    in_the_middle(client, &KeyRotation { done_count: 0, ..seen.clone() }).await
}

/// Waits for the end of a rotation.
pub(super) async fn ended(client: &Client, rotation: &KeyRotation) -> KeyRotation {
    until(client, rotation, |now| now.state() != KeyRotationState::Running).await
}

async fn until(client: &Client, rotation: &KeyRotation, is_so: impl Fn(&KeyRotation) -> bool) -> KeyRotation {
    let polling = async {
        loop {
            let request = GetKeyRotationRequest {
                rotation_id: rotation.rotation_id.clone(),
                tenant_id: rotation.tenant_id.clone(),
            };
            // A replica that has just started may be asked too soon.
            if let Ok(answer) = read(client.admin().get_key_rotation(request).await) {
                let now = answer.key_rotation.unwrap();
                if is_so(&now) || now.state() != KeyRotationState::Running {
                    return now;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LONGEST, polling).await.expect("the rotation goes on")
}

/// Every key of this kind.
pub(super) async fn list(client: &Client, kind: KeyKind) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            ListKeysRequest { tenant_id: "*".into(), kind: kind.into(), page_size: 100, page_token };
        let page = read(client.admin().list_keys(request).await).unwrap();
        keys.extend(page.keys);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return keys;
        }
    }
}

/// The keys of this kind in that state.
pub(super) async fn in_state(client: &Client, kind: KeyKind, state: KeyState) -> Vec<Key> {
    list(client, kind).await.into_iter().filter(|key| key.state() == state).collect()
}

/// Waits until each of the replicas has the key encryption key in that state.
pub(super) async fn until_kek(replicas: &[Client], kek: &str, state: KeyState) {
    for replica in replicas {
        let looking = async {
            let is_so = |keys: &[Key]| keys.iter().any(|key| key.key_id == kek && key.state() == state);
            while !is_so(&list(replica, KeyKind::Kek).await) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(LONGEST, looking).await.expect("the file is read again");
    }
}

/// Retires a key.
pub(super) async fn retire(client: &Client, key_id: &str) -> Answer<Key> {
    let request = RetireKeyRequest { key_id: key_id.to_owned() };
    read(client.admin().retire_key(request).await).map(|answer| answer.key.unwrap())
}

/// A rotation that ended leaves nothing under old keys, and every value that was sealed under old ones opened.
pub(super) async fn nothing_is_left_behind(client: &Client, rotation: &KeyRotation, kind: KeyKind) {
    assert_eq!((rotation.state(), rotation.failed_count), (KeyRotationState::Succeeded, 0), "{rotation:?}");
    let old = in_state(client, kind, KeyState::Opening).await;
    assert!(!old.is_empty() && old.iter().all(|key| key.use_count == 0), "{old:#?}");
}
