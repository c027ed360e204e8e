//! What a foreign hand does to the audit log is found.

use broker_core::testing::audit_log;

use crate::stores::InFile;

#[tokio::test]
async fn every_change_is_found() {
    audit_log::every_change_is_found::<InFile>().await;
}

#[tokio::test]
async fn a_chain_that_is_gone_is_missed() {
    audit_log::a_chain_that_is_gone_is_missed::<InFile>().await;
}

#[tokio::test]
async fn a_log_cut_short_is_missed_by_who_knows_its_end() {
    audit_log::a_log_cut_short_is_missed_by_who_knows_its_end::<InFile>().await;
}

#[tokio::test]
async fn a_log_is_verified_in_parts() {
    audit_log::a_log_is_verified_in_parts::<InFile>().await;
}
