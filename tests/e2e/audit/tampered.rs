//! What a foreign hand changes is named.

use broker_e2e::client::read;
use broker_e2e::{House, Provider};
use broker_proto::v1::{AuditDefect, VerifyAuditLogRequest};

use super::{events, meddle, verify};

#[tokio::test]
async fn a_record_that_was_edited_or_removed_is_named() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    for _ in 0..5 {
        house.vend(&key).await.unwrap();
    }
    let before = verify(&house, "acme").await;
    let count = events(&house, "acme").await.len() as u64;
    assert_eq!((before.first_broken, before.verified_count), (None, count));
    assert_eq!((before.head_sequence, before.last_sequence), (count, count));

    meddle(&house, "UPDATE audit_records SET principal = 'mallory' WHERE chain = 'acme' AND sequence = 2")
        .await;
    let broken = verify(&house, "acme").await.first_broken.unwrap();
    assert_eq!((broken.sequence, broken.defect()), (2, AuditDefect::Altered));
    assert_eq!(broken.tenant_id, "acme");

    meddle(
        &house,
        "DELETE FROM audit_records WHERE chain = 'acme'; DELETE FROM audit_heads WHERE chain = 'acme'",
    )
    .await;
    let broken = verify(&house, "").await.first_broken.unwrap();
    assert_eq!((broken.tenant_id.as_str(), broken.defect()), ("acme", AuditDefect::Missing));
    house.close().await;
}

#[tokio::test]
async fn a_hash_kept_elsewhere_is_compared() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    house.vend(&key).await.unwrap();
    let head = verify(&house, "acme").await;
    let verify = async |known_sequence, known_hash: Vec<u8>| {
        let request = VerifyAuditLogRequest {
            tenant_id: "acme".to_owned(),
            known_sequence,
            known_hash,
            ..Default::default()
        };
        let answer = read(house.client.admin().verify_audit_log(request).await).unwrap();
        answer.first_broken.map(|broken| (broken.sequence, broken.defect()))
    };
    let (sequence, hash) = (head.head_sequence, head.head_hash);
    assert_eq!(verify(sequence, hash.clone()).await, None);
    assert_eq!(verify(sequence, vec![7; 32]).await, Some((sequence, AuditDefect::Unchained)));
    assert_eq!(verify(sequence + 1, hash).await, Some((sequence + 1, AuditDefect::Missing)));
    house.close().await;
}
