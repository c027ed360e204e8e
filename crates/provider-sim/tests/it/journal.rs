//! The journal tells what a broker did.

use std::time::Duration;

use provider_sim::{Endpoint, Outcome};

use crate::een::{Een, ID, tokens};
use crate::evercam::Evercam;

#[tokio::test]
async fn entries_follow_a_grant_through_its_generations() {
    let een = Een::demo().await;
    let (_, first) = een.grant().await;
    let (_, second) = tokens(&een.refresh(&first).await);
    een.refresh(&second).await;
    een.refresh(&first).await;
    let entries = een.sim.journal().entries();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.endpoint, entry.presented, entry.issued, entry.generation, entry.committed))
        .collect();
    let expected = [
        (Endpoint::Authorize, None, None, None, false),
        (Endpoint::Authorize, None, None, None, true),
        (Endpoint::Exchange, None, Some(1), Some(0), true),
        (Endpoint::Refresh, Some(1), Some(2), Some(0), true),
        (Endpoint::Refresh, Some(2), Some(3), Some(1), true),
        (Endpoint::Refresh, Some(1), None, Some(0), false),
    ];
    assert_eq!(told, expected);
    let last = een.sim.journal().last().unwrap();
    assert_eq!((last.seq, last.family, last.client_id.as_deref()), (5, Some(1), Some(ID)));
    assert_eq!(last.grant_type.as_deref(), Some("refresh_token"));
    assert_eq!(last.outcome, Some(Outcome { status: Some(400), error: Some("invalid_grant".into()) }));
}

#[tokio::test]
async fn counts_of_refreshes_exchanges_and_presentations() {
    let evercam = Evercam::demo().await;
    let (_, first) = evercam.grant().await;
    evercam.grant().await;
    evercam.refresh(&first).await;
    evercam.refresh(&first).await;
    evercam.refresh("unknown").await;
    let journal = evercam.sim.journal();
    assert_eq!((journal.exchanges(), journal.refreshes()), (2, 1));
    assert_eq!((journal.presentations(1), journal.presentations(2)), (2, 0));
    assert_eq!(journal.max_presentations(), 2);
}

#[tokio::test]
async fn waiting_in_vain_tells_the_last_entry() {
    let een = Een::demo().await;
    een.refresh("unknown").await;
    let late = een.sim.journal().wait_for(|journal| journal.refreshes() == 1, Duration::from_millis(1)).await;
    assert!(late.unwrap_err().to_string().contains("invalid_grant"));
}

#[tokio::test]
async fn the_journal_holds_no_token_code_or_secret() {
    let een = Een::demo().await;
    let code = een.code().await;
    let (access, refresh) = tokens(&een.exchange(&code).await);
    een.refresh(&refresh).await;
    een.revoke(&access).await;
    let journal = serde_json::to_string(&een.sim.journal().entries()).unwrap();
    for secret in [code.as_str(), &access, &refresh, crate::een::SECRET] {
        assert!(!journal.contains(secret));
    }
}
