use std::path::{Path, PathBuf};

use broker_core::testing::ManualClock;
use broker_crypto::jwt::testing::{TestKey, jwks};
use futures_util::future::join_all;
use tokio_util::task::TaskTracker;

use super::*;

const REFRESH: Duration = Duration::from_secs(60);
const TIMES: KeyTimes = KeyTimes { refresh: REFRESH, max_stale: Duration::from_secs(3600) };
const START: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

struct Setting {
    _directory: tempfile::TempDir,
    path: PathBuf,
    clock: Arc<ManualClock>,
    keys: Arc<IssuerKeys>,
}

impl Setting {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks.json");
        publish(&path, &[&TestKey::es256("a")]);
        let clock = Arc::new(ManualClock::new(START));
        let keys = IssuerKeys::new("issuer", KeyOrigin::File(path.clone()), TIMES, clock.clone());
        keys.look().await;
        Self { _directory: directory, path, clock, keys: Arc::new(keys) }
    }

    fn number(&self) -> Option<u64> {
        self.keys.current().map(|keys| keys.number)
    }

    fn begun(&self) -> u64 {
        self.keys.state.borrow().begun
    }

    fn run(&self) -> TaskTracker {
        let (tasks, keys) = (TaskTracker::new(), self.keys.clone());
        tasks.spawn(async move { keys.run().await });
        tasks
    }
}

fn publish(path: &Path, keys: &[&TestKey]) {
    std::fs::write(path, jwks(keys)).unwrap();
}

#[tokio::test]
async fn keys_have_a_new_number_when_they_change_and_stay_when_they_cannot_be_read() {
    let setting = Setting::new().await;
    assert_eq!(setting.number(), Some(1));
    setting.keys.look().await;
    assert_eq!(setting.number(), Some(1));
    publish(&setting.path, &[&TestKey::es256("b")]);
    setting.keys.look().await;
    assert_eq!((setting.number(), setting.keys.is_fresh()), (Some(2), true));
    for bad in ["{\"keys\":[]}", "moved to another address"] {
        std::fs::write(&setting.path, bad).unwrap();
        setting.keys.look().await;
        assert_eq!((setting.number(), setting.keys.is_fresh()), (Some(2), false));
    }
}

#[tokio::test]
async fn keys_that_cannot_be_read_for_too_long_are_none() {
    let setting = Setting::new().await;
    std::fs::remove_file(&setting.path).unwrap();
    setting.clock.advance(TIMES.max_stale);
    setting.keys.look().await;
    assert_eq!(setting.number(), Some(1));
    setting.clock.advance(Duration::from_secs(1));
    assert_eq!(setting.number(), None);
    publish(&setting.path, &[&TestKey::es256("b")]);
    setting.keys.look().await;
    assert_eq!(setting.number(), Some(2));
}

#[tokio::test]
async fn many_who_ask_at_once_are_one_reading() {
    let setting = Setting::new().await;
    let _tasks = setting.run();
    publish(&setting.path, &[&TestKey::es256("b")]);
    let before = setting.begun();
    let asking = join_all((0..20).map(|_| setting.keys.read_anew()));
    let passing = async {
        // The clock goes on once the keeper waits for it.
        tokio::task::yield_now().await;
        setting.clock.advance(LEAST_PAUSE);
    };
    let (answers, ()) = futures_util::future::join(asking, passing).await;
    assert!(answers.iter().all(|keys| keys.as_ref().unwrap().number == 2));
    assert_eq!(setting.begun(), before + 1);
}

#[tokio::test]
async fn who_asks_again_and_again_does_not_hurry_it() {
    let setting = Setting::new().await;
    let _tasks = setting.run();
    let before = setting.begun();
    let asking = tokio::time::timeout(Duration::from_millis(50), setting.keys.read_anew()).await;
    assert!(asking.is_err(), "answered before its time");
    assert_eq!(setting.begun(), before);
}

#[tokio::test]
async fn too_many_who_wait_are_sent_away() {
    let setting = Setting::new().await;
    let crowd = setting.keys.waiting.acquire_many(u32::try_from(MOST_WAITING).unwrap()).await.unwrap();
    assert!(setting.keys.read_anew().await.is_none());
    drop(crowd);
}

#[tokio::test]
async fn keys_are_read_again_without_anybody_asking() {
    let setting = Setting::new().await;
    let _tasks = setting.run();
    publish(&setting.path, &[&TestKey::es256("b")]);
    let mut state = setting.keys.state.subscribe();
    let reading = state.wait_for(|state| state.ended == 2);
    let passing = async {
        // Whether the keeper already waits or begins to: the time it waits for comes.
        loop {
            setting.clock.advance(REFRESH);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        state = reading => assert_eq!(state.unwrap().keys.as_ref().unwrap().number, 2),
        () = passing => {}
    }
}
