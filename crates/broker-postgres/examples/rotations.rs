//! How many rotations a second the store takes: claim, SENT and adoption, each durable, no provider in between.
//!
//! `TEST_DATABASE_URL=... cargo run --release -p broker-postgres --example rotations -- [grants] [in flight]`

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement ends at the first error"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker_core::ports::{
    AdoptOutcome, Adoption, ClaimOutcome, ConsentStore, Epoch, ExchangeClaim, FleetStore, GrantStore,
    Lineage, RefreshClaim, Replica, SentMark, SentOutcome, TenantStore,
};
use broker_core::schedule::GrantEnd;
use broker_core::{
    AccountLabel, Actor, AttemptId, AuditAction, AuditRecord, Authorization, AuthorizationId,
    AuthorizationStatus, ClientRegistration, EscrowId, Generation, GrantKey, IncarnationId, LineageId,
    ProviderName, RegistrationId, RowVersion, SealedTokenSet, Tenant, TenantId, Timestamp, UserId,
};
use broker_crypto::{Entropy, OsEntropy, Sealed};
use broker_postgres::{OpenOptions, PostgresStore};
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const HOUR: Duration = Duration::from_secs(3600);

struct Bench {
    store: PostgresStore,
    owner: IncarnationId,
    epoch: Epoch,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let (grants, in_flight) = (arguments.next().unwrap_or(20_000), arguments.next().unwrap_or(256));
    let database =
        test_servers::postgres().await.template("empty", async |_| ()).await.fresh_database().await;
    let bench = Arc::new(Bench::on(database.url()).await);
    let consent =
        run(&bench, grants, in_flight, |bench, number| async move { bench.consent(number).await }).await;
    println!("{grants} consents: {consent:.0}/s");
    for generation in 1..=3 {
        let rate = run(&bench, grants, in_flight, move |bench, number| async move {
            bench.rotate(number, generation).await
        });
        println!("{grants} rotations, {in_flight} in flight: {:.0}/s", rate.await);
    }
    bench.alone().await;
    bench.store.close().await;
}

/// Does `work` for every number, so many at a time; answers how many a second.
async fn run<W: Future<Output = ()> + Send + 'static>(
    bench: &Arc<Bench>,
    count: usize,
    in_flight: usize,
    work: impl Fn(Arc<Bench>, usize) -> W,
) -> f64 {
    let start = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..count {
        if running.len() == in_flight {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(work(bench.clone(), number));
    }
    running.join_all().await;
    f64::from(u32::try_from(count).unwrap()) / start.elapsed().as_secs_f64()
}

fn key(number: usize) -> GrantKey {
    GrantKey {
        tenant: TenantId::new("acme").unwrap(),
        provider: ProviderName::new("evercam").unwrap(),
        user: UserId::new(format!("user-{number}")).unwrap(),
        account: AccountLabel::default_label(),
    }
}

fn record() -> AuditRecord {
    Actor::broker(AuditAction::named("bench")).did(None, NOW)
}

fn tokens(generation: u64) -> SealedTokenSet {
    SealedTokenSet {
        generation: Generation::new(generation),
        access_token: Sealed::from_bytes(vec![7; 1200]),
        refresh_token: Some(Sealed::from_bytes(vec![8; 300])),
        token_type: "Bearer".to_owned(),
        scopes: vec!["cameras:read".to_owned()],
        api_base_url: None,
        issued_at: NOW,
        expires_at: NOW + HOUR,
        end: GrantEnd { dies_at: None, authorization_ends_at: None, refresh_token_timeout: None },
        first_notice_at: None,
        due_at: Some(NOW + HOUR / 2),
    }
}

impl Bench {
    async fn on(url: &str) -> Self {
        let store =
            PostgresStore::open(url, OpenOptions { migrate: true, ..OpenOptions::default() }).await.unwrap();
        let owner = IncarnationId::generate(NOW, &OsEntropy);
        let replica = Replica {
            incarnation: owner,
            escrow: EscrowId::generate(NOW, &OsEntropy),
            started_at: NOW,
            rejoins: false,
        };
        let epoch = store.join(&replica, NOW).await.unwrap().epoch;
        let tenant = TenantId::new("acme").unwrap();
        let (keys, display_name, version) = (Vec::new(), String::new(), RowVersion::first(NOW));
        let id = tenant.clone();
        let acme = Tenant { id, display_name, keys, created_at: NOW, updated_at: NOW, version };
        store.create_tenant(&acme, None, &record()).await.unwrap();
        let registration = ClientRegistration {
            tenant,
            provider: ProviderName::new("evercam").unwrap(),
            id: RegistrationId::new("main").unwrap(),
            client_id: String::new(),
            secrets: Vec::new(),
            secrets_made: 0,
            redirect_uri: String::new(),
            scopes: Vec::new(),
            return_to: BTreeMap::new(),
            grant_window: None,
            allow_device_authorization: false,
            rejected: false,
            created_at: NOW,
            updated_at: NOW,
            version,
        };
        store.create_registration(&registration, None, &record()).await.unwrap();
        Self { store, owner, epoch }
    }

    async fn consent(&self, number: usize) {
        let mut state_digest = [0; 32];
        OsEntropy.fill(&mut state_digest);
        let authorization = Authorization {
            id: AuthorizationId::generate(NOW, &OsEntropy),
            key: key(number),
            registration: RegistrationId::new("main").unwrap(),
            lineage: LineageId::generate(NOW, &OsEntropy),
            redirect_uri: String::new(),
            scopes: Vec::new(),
            state_digest,
            verifier: Sealed::from_bytes(Vec::new()),
            hosted: None,
            allow_account_change: false,
            import: None,
            status: AuthorizationStatus::Pending,
            created_at: NOW,
            expires_at: NOW + HOUR,
        };
        self.store.start_authorization(&authorization, &record()).await.unwrap();
        let claim = ExchangeClaim {
            tenant: authorization.key.tenant.clone(),
            authorization: authorization.id,
            attempt: AttemptId::generate(NOW, &OsEntropy),
            owner: self.owner,
            at: NOW,
            record: record(),
        };
        let attempt = self.store.claim_exchange(&claim).await.unwrap().attempt().unwrap();
        let lineage = Lineage::New { authorization: authorization.id, consented_at: NOW };
        let adoption = Adoption {
            attempt,
            lineage,
            base: Generation::NONE,
            tokens: tokens(1),
            at: NOW,
            replaced: broker_core::ports::ReplacedTokens::LetGo,
            overruns_window: false,
            origin: Default::default(),
        };
        assert_eq!(self.store.adopt(&adoption).await.unwrap(), AdoptOutcome::Adopted(Generation::new(1)));
    }

    async fn rotate(&self, number: usize, generation: u64) {
        let base = Generation::new(generation);
        let claim = RefreshClaim {
            key: key(number),
            generation: base,
            attempt: AttemptId::generate(NOW, &OsEntropy),
            owner: self.owner,
            at: NOW,
            hold_until: NOW + HOUR,
            epoch: self.epoch,
            canary_until: NOW + HOUR,
        };
        let ClaimOutcome::Claimed(claimed) = self.store.claim_refresh(&claim).await.unwrap() else {
            panic!()
        };
        let mark = SentMark { attempt: claimed.attempt.clone(), at: NOW, replay_within: Some(HOUR) };
        assert_eq!(self.store.mark_sent(&mark).await.unwrap(), SentOutcome::Marked);
        let (attempt, tokens) = (claimed.attempt, tokens(generation + 1));
        let adoption = Adoption {
            attempt,
            lineage: Lineage::Present,
            base,
            tokens,
            at: NOW,
            replaced: broker_core::ports::ReplacedTokens::LetGo,
            overruns_window: false,
            origin: Default::default(),
        };
        assert_eq!(self.store.adopt(&adoption).await.unwrap(), AdoptOutcome::Adopted(base.next()));
    }

    /// One at a time: what a rotation costs where nobody shares its commits.
    async fn alone(&self) {
        const ROUNDS: u32 = 200;
        let start = Instant::now();
        for number in 0..ROUNDS as usize {
            self.rotate(number, 4).await;
        }
        println!("one at a time: {:.2} ms a rotation", (start.elapsed() / ROUNDS).as_secs_f64() * 1000.0);
        let start = Instant::now();
        for number in 0..ROUNDS as usize {
            self.store.vendable(&key(number)).await.unwrap().unwrap();
        }
        println!("one at a time: {:.2} ms a vendable", (start.elapsed() / ROUNDS).as_secs_f64() * 1000.0);
    }
}
