//! A store that is a map, providers that are a latency, and a clock that jumps to whatever comes next.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::super::gate::{Gate, GateRules};
use super::super::gates::Gates;
use super::super::planner::Planner;
use super::super::samples::{at, due};
use super::super::work::Work;
use crate::ports::{BudgetLimits, DueGrant, InProcessBudget};
use crate::schedule::{DueRules, IdleLife, Issue, Look, look_at, next_due, retry_delay};
use crate::testing::ManualClock;
use crate::{
    Clock, FailureKind, Generation, GrantId, GrantKey, ProviderFailure, ProviderName, ProviderProfile,
    ReusePolicy, RotationMode, Timestamp,
};

pub(super) const LIFE: Duration = Duration::from_secs(3600);
const TICK: Duration = Duration::from_secs(1);
const MOST: usize = 64;
const PAGE: usize = 256;
const RULES: DueRules =
    DueRules { attempt_budget: Duration::from_secs(33), warm_for: Duration::from_secs(86_400) };
const GATE_RULES: GateRules = GateRules {
    pause: Duration::from_secs(5),
    longest_pause: Duration::from_secs(300),
    trial: Duration::from_secs(60),
};

/// Draws the refresh time of a grant's generation.
pub(super) type Draw = fn(GrantId, Generation, &mut Dice) -> f64;

/// Even numbers in [0, 1), the same in every run (SplitMix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A rotation as it went.
pub(super) struct Rotation {
    pub(super) key: GrantKey,
    /// Which refresh of the grant it was, from 1.
    pub(super) number: u64,
    pub(super) due_at: Timestamp,
    pub(super) began: Timestamp,
    pub(super) adopted: Timestamp,
    /// The token before it was no longer valid when it came.
    pub(super) expired: bool,
}

impl Rotation {
    pub(super) fn delay(&self) -> Duration {
        self.adopted.since(self.due_at)
    }
}

pub(super) struct World {
    clock: Arc<ManualClock>,
    pub(super) planner: Planner,
    gates: Gates,
    budget: InProcessBudget,
    pub(super) grants: HashMap<GrantId, DueGrant>,
    /// Deriving an id takes longer than all else here.
    ids: HashMap<GrantKey, GrantId>,
    /// Since when a grant whose tries fail has been due.
    due_since: HashMap<GrantId, Timestamp>,
    by_due: BTreeSet<(Timestamp, GrantId)>,
    in_flight: BTreeMap<(Timestamp, GrantId), Timestamp>,
    failed: HashSet<GrantId>,
    next_read: Timestamp,
    dice: Dice,
    draw: Draw,
    /// Providers that answer nothing until this time.
    pub(super) hanging: HashMap<ProviderName, Timestamp>,
    pub(super) rotations: Vec<Rotation>,
    /// Calls made, answered or not.
    pub(super) calls: HashMap<ProviderName, usize>,
    pub(super) rows_read: usize,
}

impl World {
    pub(super) fn new(draw: Draw, limits: BudgetLimits) -> Self {
        let clock = Arc::new(ManualClock::new(at(0)));
        Self {
            planner: Planner::new(MOST, TICK),
            gates: Gates::new(GATE_RULES),
            budget: InProcessBudget::new(clock.clone(), limits),
            clock,
            grants: HashMap::new(),
            ids: HashMap::new(),
            due_since: HashMap::new(),
            by_due: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            failed: HashSet::new(),
            next_read: at(0),
            dice: Dice(7),
            draw,
            hanging: HashMap::new(),
            rotations: vec![],
            calls: HashMap::new(),
            rows_read: 0,
        }
    }

    /// A grant with a token issued at that time, due as its draw says.
    pub(super) fn issue(&mut self, key: GrantKey, issued_at: Timestamp) {
        let grant = due(key, issued_at, issued_at);
        self.renew(&grant, Generation::new(1), issued_at);
    }

    /// A grant that is due at that time already.
    pub(super) fn owe(&mut self, key: GrantKey, due_at: Timestamp, expires_at: Timestamp) {
        self.put(due(key, due_at, expires_at));
    }

    pub(super) fn run_until(&mut self, end: Timestamp) {
        loop {
            let now = self.clock.now();
            self.land(now);
            if now >= self.next_read {
                self.read(now);
                self.next_read = now + TICK;
            }
            self.start(now);
            let landing = self.in_flight.first_key_value().map(|((lands, _), _)| *lands);
            let starting = self.planner.next_start(now);
            let next = landing.into_iter().chain(starting).fold(self.next_read, Timestamp::min);
            if next > end {
                return;
            }
            self.clock.advance(next.since(now));
        }
    }

    fn read(&mut self, now: Timestamp) {
        let page: Vec<_> = self.by_due.iter().take_while(|(due, _)| *due <= now + 2 * TICK).collect();
        let mut ids: Vec<GrantId> = page.iter().take(PAGE).map(|(_, id)| *id).collect();
        if page.len() > PAGE {
            let mut lanes: HashMap<_, usize> = HashMap::new();
            for (_, id) in page.into_iter() {
                let key = &self.grants[id].key;
                let lane = lanes.entry((&key.tenant, &key.provider)).or_default();
                *lane += 1;
                if *lane <= 64 {
                    ids.push(*id);
                }
            }
        }
        self.rows_read += ids.len();
        let mut seen = HashSet::new();
        let fresh = ids.into_iter().filter(|id| seen.insert(*id));
        let works = fresh.filter_map(|id| self.work(id, now)).collect();
        self.planner.refill(works, now);
    }

    fn work(&self, id: GrantId, now: Timestamp) -> Option<Work> {
        let due = self.grants[&id].clone();
        assert_eq!(look_at(&due, &profile(), now, RULES, 0.5), Look::Rotate, "all are asked for");
        Some(Work::new(due, self.failed.contains(&id)))
    }

    fn start(&mut self, now: Timestamp) {
        for (provider, want) in self.planner.wanted(&self.gates, now) {
            let granted = self.budget.take_now(&provider, want);
            if granted < want {
                self.planner.short(&provider, now);
            }
            for _ in 0..granted {
                let Some(work) = self.planner.start(&provider, now) else { break };
                match self.gates.admit(&work.due.key, &work.due.registration, now) {
                    Gate::Open => self.call(&work.due, now),
                    Gate::ClosedUntil(_) => self.planner.landed(&provider, Duration::ZERO, false, now),
                }
            }
        }
    }

    /// The claim takes the grant out of what is due.
    fn call(&mut self, due: &DueGrant, now: Timestamp) {
        let id = self.id(&due.key);
        self.by_due.remove(&(due.due_at, id));
        *self.calls.entry(due.key.provider.clone()).or_default() += 1;
        let takes = match self.hangs(&due.key.provider, now) {
            true => RULES.attempt_budget,
            false => Duration::from_millis(200).mul_f64(1.0 + self.dice.roll()),
        };
        self.in_flight.insert((now + takes, id), now);
    }

    fn land(&mut self, now: Timestamp) {
        while let Some(first) = self.in_flight.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, id), began) = first.remove_entry();
            let due = self.grants[&id].clone();
            let answered = !self.hangs(&due.key.provider, began);
            let failure = (!answered).then(|| ProviderFailure::of(FailureKind::Uncertain));
            let draw = self.dice.roll();
            self.gates.heard(&due.key, &due.registration, failure.as_ref(), now, draw);
            self.planner.landed(&due.key.provider, now.since(began), answered, now);
            match answered {
                true => self.adopt(&due, began, now),
                false => self.retry(due, now),
            }
        }
    }

    fn adopt(&mut self, due: &DueGrant, began: Timestamp, now: Timestamp) {
        let id = self.id(&due.key);
        self.failed.remove(&id);
        self.rotations.push(Rotation {
            key: due.key.clone(),
            number: due.generation.get(),
            due_at: self.due_since.remove(&id).unwrap_or(due.due_at),
            began,
            adopted: now,
            expired: now > due.expires_at,
        });
        self.renew(due, due.generation.next(), began);
    }

    fn retry(&mut self, due: DueGrant, now: Timestamp) {
        let id = self.id(&due.key);
        self.failed.insert(id);
        self.due_since.entry(id).or_insert(due.due_at);
        let delay = retry_delay(1, GATE_RULES.pause, GATE_RULES.longest_pause, self.dice.roll());
        self.put(DueGrant { due_at: now + delay, ..due });
    }

    fn renew(&mut self, before: &DueGrant, generation: Generation, issued_at: Timestamp) {
        let issue = Issue {
            issued_at,
            expires_at: issued_at + LIFE,
            consented_at: issued_at,
            dies_at: None,
            idle: IdleLife::Unknown,
            same_access_token: false,
        };
        let id = self.id(&before.key);
        let draw = (self.draw)(id, generation, &mut self.dice);
        let due_at = next_due(&profile(), &issue, issued_at, issued_at, RULES, draw);
        let asked_at = Some(due_at);
        self.put(DueGrant { generation, due_at, asked_at, expires_at: issue.expires_at, ..before.clone() });
    }

    fn put(&mut self, grant: DueGrant) {
        let id = self.id(&grant.key);
        self.by_due.insert((grant.due_at, id));
        self.grants.insert(id, grant);
    }

    fn id(&mut self, key: &GrantKey) -> GrantId {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        let id = key.grant_id();
        self.ids.insert(key.clone(), id);
        id
    }

    fn hangs(&self, provider: &ProviderName, at: Timestamp) -> bool {
        self.hanging.get(provider).is_some_and(|until| at < *until)
    }
}

fn profile() -> ProviderProfile {
    ProviderProfile {
        rotation: RotationMode::SingleUse(ReusePolicy::Reject),
        old_access_token_dies_on_refresh: false,
        access_token_lifetime: LIFE,
        refresh_token_timeout: None,
        authorization_expires_in: None,
        default_scopes: vec![],
        revocation: Some(crate::RevokedTokens::RefreshToken),
        revocation_reaches: crate::RevocationReach::Token,
        consent_replaces: crate::ConsentReplaces::Unknown,
        callback_issuer: None,
        api_key_headers: None,
        client_credentials: false,
    }
}
