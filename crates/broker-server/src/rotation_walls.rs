//! At the start of an api process: the proof that it cannot open what rotates tokens.

use anyhow::bail;
use broker_crypto::{KekId, KeyEncryption, KeyPurpose};

use crate::store::Store;

/// Refuses a start in which a key held here wraps any data key of refresh tokens.
pub(crate) async fn check(store: &Store, keys: &dyn KeyEncryption, place: &str) -> anyhow::Result<()> {
    let mut held = keys.ids();
    held.push(keys.primary_for(KeyPurpose::Access).await?);
    let found = store.wrapping_keys(KeyPurpose::Rotation, &held).await?;
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = found.iter().map(KekId::as_str).collect();
    bail!(
        "[keys] {place} holds `{}`, under which the data keys of refresh tokens are wrapped, so that a process of --role api \
         could open them: make a second key with `token-broker keys generate --kid NAME --out FILE`, name it in \
         [keys.rotation] of every rotator, run `brokerctl keys rotate kek --all --wait`, and start this process again",
        names.join("`, `")
    )
}
