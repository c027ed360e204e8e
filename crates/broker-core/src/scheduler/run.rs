//! The scheduler's loop: reads what is due every tick, and starts it when it is due and there is room.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::learnt::Learnt;
use super::planner::Planner;
use super::work::Work;
use crate::error::chain;
use crate::ports::DueGrant;
use crate::rotation::{Rotated, Trigger};
use crate::{Broker, Timestamp};

/// A rotation the scheduler started has ended.
struct Landed {
    due: DueGrant,
    began: Timestamp,
    rotated: Rotated,
}

/// What the loop keeps from turn to turn.
struct Run {
    landings: UnboundedReceiver<Landed>,
    landing: UnboundedSender<Landed>,
    learnt: Learnt,
    next_read: Timestamp,
    /// The store may hold more that is due than was read.
    more: bool,
}

impl Broker {
    /// Looks for due grants every tick and rotates them, until `stop`. Every replica may run one.
    pub async fn run_scheduler(self: Arc<Self>, stop: CancellationToken) {
        let (landing, landings) = unbounded_channel();
        let next_read = self.clock.now();
        let mut run = Run { landings, landing, learnt: Learnt::default(), next_read, more: false };
        loop {
            self.read_if_time(&mut run).await;
            self.start_ready(&run).await;
            let next = self.next_turn(&mut run);
            tokio::select! {
                () = stop.cancelled() => return,
                Some(landed) = run.landings.recv() => self.take_landings(landed, &mut run),
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    async fn read_if_time(&self, run: &mut Run) {
        if self.clock.now() < run.next_read {
            return;
        }
        match self.read_due(&run.learnt).await {
            Ok(page) => {
                run.more = page.full;
                self.planner().refill(page.works, self.clock.now());
            }
            Err(error) => tracing::error!(error = chain(&error), "the scheduler could not read what is due"),
        }
        run.next_read = self.clock.now() + self.timing.tick;
    }

    /// Starts what may start now.
    async fn start_ready(self: &Arc<Self>, run: &Run) {
        let now = self.clock.now();
        let wanted = self.planner().wanted(&self.gates, now);
        for (provider, want) in wanted {
            let granted = self.budget.take(&provider, want).await;
            if granted < want {
                self.measures.budget_refusals.add(provider.clone(), u64::from(want - granted));
                self.planner().short(&provider, now);
            }
            for _ in 0..granted {
                let Some(work) = self.planner().start(&provider, now) else { break };
                self.start(work, &run.landing);
            }
        }
    }

    /// When there is something to do again, if no rotation lands before.
    fn next_turn(&self, run: &mut Run) -> Timestamp {
        let (planner, now) = (self.planner(), self.clock.now());
        if run.more && planner.hungers(&self.gates, now) {
            run.next_read = now;
        }
        planner.next_start(now).map_or(run.next_read, |start| start.min(run.next_read))
    }

    /// Starts one rotation, unless its gate has closed since; then the next reading finds the grant again.
    fn start(self: &Arc<Self>, work: Work, landing: &UnboundedSender<Landed>) {
        let (due, began) = (work.due, self.clock.now());
        if let Gate::ClosedUntil(_) = self.gates.admit(&due.key, &due.registration, began) {
            return self.planner().landed(&due.key.provider, Duration::ZERO, false, began);
        }
        let mut flight = self.start_rotation(&due.key, due.generation, Trigger::Due);
        let (broker, landing) = (Arc::clone(self), landing.clone());
        self.tasks.spawn(async move {
            let rotated = flight.landed().await;
            if let Some(until) = broker.put_off_until(&due, &rotated) {
                broker.postpone(&due, until).await;
            }
            // Fails only when the loop is over, and then nobody counts.
            let _ = landing.send(Landed { due, began, rotated });
        });
    }

    /// When a grant is due again whose rotation ended without a claim.
    fn put_off_until(&self, due: &DueGrant, rotated: &Rotated) -> Option<Timestamp> {
        let now = self.clock.now();
        match rotated {
            Rotated::Adopted | Rotated::Refused | Rotated::SecretRefused | Rotated::RefreshPaused(_) => None,
            Rotated::RegistrationPaused(until) => Some((*until).max(now + self.timing.retry_base)),
            // What is undecided is waited for no longer than it must be: a provider's grace may run out.
            _ if due.undecided => Some(now + self.timing.retry_base),
            _ => Some(now + self.timing.lease_ttl),
        }
    }

    fn take_landings(&self, first: Landed, run: &mut Run) {
        self.take_landing(first, &mut run.learnt);
        while let Ok(landed) = run.landings.try_recv() {
            self.take_landing(landed, &mut run.learnt);
        }
    }

    fn take_landing(&self, landed: Landed, learnt: &mut Learnt) {
        let now = self.clock.now();
        learnt.landed(&landed.due, &landed.rotated, now);
        let answered = matches!(landed.rotated, Rotated::Adopted);
        self.planner().landed(&landed.due.key.provider, now.since(landed.began), answered, now);
    }

    fn planner(&self) -> MutexGuard<'_, Planner> {
        self.planner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
