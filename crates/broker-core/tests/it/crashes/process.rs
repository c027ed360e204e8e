//! A process. Dropping it is its death: every task in it ends where it stands.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use broker_core::testing::ManualClock;
use broker_core::testing::conformance::actor;
use broker_core::{
    Broker, Clock, CompleteRequest, Grant, Lifecycle, NewRegistration, Permit, Phase, RegistrationId,
    StartRequest, VendRequest,
};
use broker_crypto::{CallbackUrl, ClientSecret};
use tokio::runtime::Runtime;

use super::stand::Stores;
use super::stops::Stops;
use crate::world::{key, provider, request, tenant};

pub(crate) struct Process {
    pub(crate) replica: Replica,
    pub(crate) stores: Stores,
    /// Its own: it moves with the world's whenever the process is run.
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) world: Arc<ManualClock>,
    // Last: the others may need it to end. Replicas beside each other share it, and a store in a file.
    pub(crate) runtime: Rc<Runtime>,
}

impl Process {
    /// Only here time passes for it: one that stopped and is not run any more is frozen or dead.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.clock.advance(self.world.now().since(self.clock.now()));
        self.runtime.block_on(work)
    }
}

pub(crate) struct Replica {
    pub(crate) broker: Arc<Broker>,
    stops: Arc<Stops>,
    is_up: AtomicBool,
}

impl Replica {
    pub(crate) fn new(broker: Arc<Broker>, stops: Arc<Stops>) -> Self {
        Self { broker, stops, is_up: AtomicBool::new(false) }
    }

    pub(crate) async fn come_up(&self) {
        self.broker.recover().await.unwrap();
        self.is_up.store(true, Ordering::SeqCst);
    }

    /// What a replica does from time to time. Answers whether it stopped on the way.
    pub(crate) async fn stops_at_work(&self) -> bool {
        let work = async {
            self.beat().await;
            self.refresh().await;
        };
        tokio::select! {
            biased;
            () = self.stops.reached() => true,
            () = work => false,
        }
    }

    /// Works, and answers whether the grant is in order or lost.
    pub(crate) async fn settles(&self) -> bool {
        self.beat().await;
        if self.is_settled().await {
            return true;
        }
        self.refresh().await;
        self.is_settled().await
    }

    pub(crate) async fn beat(&self) {
        if !self.is_up.load(Ordering::SeqCst) {
            self.come_up().await;
        }
        self.broker.beat().await;
    }

    async fn refresh(&self) {
        // What it brings stands in the grant.
        let _ = self.broker.refresh_grant(&key(), None).await;
        // Rule 8: the last good token is served all the while.
        let asked = VendRequest { min_validity: Duration::ZERO, wait: Some(Duration::ZERO), ..request() };
        self.broker.vend(&asked).await.unwrap();
    }

    pub(crate) async fn grant(&self) -> Grant {
        self.broker.grant(&key()).await.unwrap()
    }

    async fn is_settled(&self) -> bool {
        let grant = self.grant().await;
        grant.lifecycle != Lifecycle::Active || grant.generation.get() > 1 && grant.phase == Phase::Idle
    }

    pub(crate) async fn consent(&self) {
        self.broker.create_tenant(tenant(), "Acme".into(), None, &actor()).await.unwrap();
        let registration = NewRegistration {
            tenant: tenant(),
            provider: provider(),
            id: RegistrationId::new("main").unwrap(),
            client_id: "client".into(),
            client_secret: Some(ClientSecret::new("secret")),
            redirect_uri: "https://app.example/cb".into(),
            scopes: vec!["read".into()],
            return_to: Default::default(),
            grant_window: None,
            allow_device_authorization: false,
        };
        self.broker.create_registration(registration, None, &actor()).await.unwrap();
        let asked = StartRequest {
            key: key(),
            registration: None,
            scopes: vec![],
            login_hint: None,
            allow_account_change: false,
            hosting: Default::default(),
            permit: Permit::unlimited(),
        };
        let started = self.broker.start_authorization(&asked, &actor()).await.unwrap();
        let state = started.url.split("state=").nth(1).unwrap();
        let callback = CompleteRequest {
            tenant: tenant(),
            user: key().user,
            callback_url: CallbackUrl::new(format!("https://app.example/cb?code=c&state={state}")),
            wait: None,
            permit: Permit::unlimited(),
        };
        self.broker.complete_authorization(&callback, &actor()).await.unwrap();
    }
}
