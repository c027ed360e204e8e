//! Reading the keys again while the process runs.

use std::sync::Arc;
use std::time::Duration;

use broker_core::Clock;
use broker_crypto::{Entropy, KeyEncryption, SwappableKeyRing};

use super::KeySource;

/// How often the source is looked at: sooner than Kubernetes brings a changed secret to a node.
const EVERY: Duration = Duration::from_secs(10);

/// Keeps a ring as its source is.
pub(crate) struct KeyWatch {
    source: KeySource,
    ring: Arc<SwappableKeyRing>,
    digest: [u8; 32],
    /// What was wrong when it was last looked at, so that it is told once.
    problem: Option<String>,
    entropy: Arc<dyn Entropy>,
}

impl KeyWatch {
    /// Reads the source for the first time.
    pub(crate) fn open(source: KeySource, entropy: Arc<dyn Entropy>) -> Result<Self, String> {
        let reading = source.read(entropy.clone())?;
        let ring = Arc::new(SwappableKeyRing::new(reading.ring));
        Ok(Self { source, ring, digest: reading.digest, problem: None, entropy })
    }

    /// The ring, as the source was last found to be.
    pub(crate) fn ring(&self) -> Arc<SwappableKeyRing> {
        self.ring.clone()
    }

    /// Looks at the source again and again.
    pub(crate) async fn run(mut self, clock: Arc<dyn Clock>) {
        loop {
            clock.sleep_until(clock.now() + EVERY).await;
            self.look();
        }
    }

    /// Looks at the source once. What cannot be read changes nothing.
    fn look(&mut self) {
        match self.source.read(self.entropy.clone()) {
            Ok(reading) if reading.digest == self.digest => self.problem = None,
            Ok(reading) => {
                let before = self.ring.ids();
                self.ring.swap(reading.ring);
                (self.digest, self.problem) = (reading.digest, None);
                let (before, now) = (names(&before), names(&self.ring.ids()));
                tracing::info!(%before, %now, "the key encryption keys were read again");
            }
            Err(problem) if self.problem.as_ref() == Some(&problem) => {}
            Err(problem) => {
                tracing::error!("the key encryption keys stay as they were: {problem}");
                self.problem = Some(problem);
            }
        }
    }
}

fn names(ids: &[broker_crypto::KekId]) -> String {
    ids.iter().map(broker_crypto::KekId::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use broker_crypto::{KekId, KeyEncryptionKey, OsEntropy};

    use super::*;

    /// Another state of the secret, as the kubelet brings it.
    fn mount(root: &Path, version: &str, keys: &[&str], primary: &str) {
        let state = root.join(format!("..{version}"));
        fs::create_dir(&state).unwrap();
        for kid in keys {
            let material = KeyEncryptionKey::generate_material(&KekId::new(kid).unwrap(), &OsEntropy);
            fs::write(state.join(kid), material.as_bytes()).unwrap();
        }
        fs::write(state.join("primary"), primary).unwrap();
        symlink(format!("..{version}"), root.join("..tmp")).unwrap();
        fs::rename(root.join("..tmp"), root.join("..data")).unwrap();
    }

    #[tokio::test]
    async fn a_swapped_secret_is_taken_over_and_a_broken_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        mount(root, "1", &["kek-1"], "kek-1");
        let source = KeySource::Directory { path: root.to_owned(), primary: None };
        let mut watch = KeyWatch::open(source, Arc::new(OsEntropy)).unwrap();
        let ring = watch.ring();
        assert_eq!(ring.primary().await.unwrap().as_str(), "kek-1");

        mount(root, "2", &["kek-1", "kek-2"], "kek-2");
        watch.look();
        assert_eq!(ring.primary().await.unwrap().as_str(), "kek-2");
        assert!(ring.holds(&KekId::new("kek-1").unwrap()));

        mount(root, "3", &["kek-3"], "kek-4");
        watch.look();
        assert_eq!(ring.primary().await.unwrap().as_str(), "kek-2");
        assert!(watch.problem.as_ref().is_some_and(|problem| problem.contains("kek-4")));

        mount(root, "4", &["kek-3"], "kek-3");
        watch.look();
        assert_eq!((ring.primary().await.unwrap().as_str(), &watch.problem), ("kek-3", &None));
    }
}
