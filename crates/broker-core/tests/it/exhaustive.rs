//! Random histories: whatever the provider does and wherever the process dies, a replaced token is shown again only if
//! the answer that replaced it was lost, once, and not before no orphaned request can meet it.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use broker_core::{FailureKind, Lifecycle};

use crate::fakes::{Answer, fail};
use crate::world::{World, key};

#[derive(Debug, Clone)]
enum Step {
    Refresh(Answer),
    Die(Answer),
    /// Dies with the answer in escrow and not adopted.
    DieUnadopted,
    LoseClaim,
    Pass(u64),
    Vend,
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => Just(Answer::Rotate),
        1 => Just(Answer::KeepRefreshToken),
        1 => Just(Answer::RotateAndLose),
        1 => prop_oneof![
            Just(Answer::PanicBeforeSent),
            Just(Answer::PanicAfterSent),
            Just(Answer::RotateAndPanic)
        ],
        1 => Just(Answer::Unreachable),
        1 => Just(fail(FailureKind::Throttled)),
        1 => Just(fail(FailureKind::ClientRejected)),
        1 => Just(fail(FailureKind::Uncertain)),
        1 => Just(fail(FailureKind::DeadToken)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => answers().prop_map(Step::Refresh),
        2 => prop_oneof![
            Just(Answer::HangBeforeSent),
            Just(Answer::HangAfterSent),
            Just(Answer::RotateAndHang)
        ]
        .prop_map(Step::Die),
        2 => Just(Step::DieUnadopted),
        1 => Just(Step::LoseClaim),
        2 => (1u64..8000).prop_map(Step::Pass),
        2 => Just(Step::Vend),
    ];
    proptest::collection::vec(step, 1..25)
}

async fn take(world: &mut World, step: Step) {
    match step {
        Step::Refresh(answer) => {
            world.provider.next([answer]);
            let _ = world.broker.refresh_grant(&key(), None).await;
            world.provider.unscript();
        }
        Step::Die(answer) => {
            if world.grant().await.lifecycle != Lifecycle::Active {
                return;
            }
            world.provider.next([answer]);
            let broker = world.broker.clone();
            let refresh = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
            // A grant whose outcome is undecided is not presented before its time.
            tokio::select! {
                () = world.provider.reached() => {}
                _ = refresh => {}
            }
            world.provider.unscript();
            world.restart();
            world.broker.recover().await.unwrap();
        }
        Step::DieUnadopted => {
            world.flaky.refuse_adopt.store(true, Ordering::SeqCst);
            let broker = world.broker.clone();
            let refresh = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
            tokio::select! {
                () = world.flaky.refused.notified() => {}
                _ = refresh => {}
            }
            world.restart();
            world.flaky.refuse_adopt.store(false, Ordering::SeqCst);
            world.broker.recover().await.unwrap();
        }
        Step::LoseClaim => {
            world.flaky.lose_claim.store(true, Ordering::SeqCst);
            let _ = world.broker.refresh_grant(&key(), None).await;
            world.flaky.lose_claim.store(false, Ordering::SeqCst);
        }
        Step::Pass(seconds) => {
            world.pass(seconds);
            world.broker.beat().await;
        }
        Step::Vend => {
            let _ = world.vend_at_once().await;
            world.settled().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_replaced_refresh_token_is_presented_only_where_its_answer_was_lost(history in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            let mut generation = world.grant().await.generation;
            for step in history {
                take(&mut world, step).await;
                let now = world.grant().await.generation;
                assert!(now >= generation, "a generation went back");
                generation = now;
                assert_eq!(world.provider.dead_presented(), 0, "a replaced token was presented");
            }
        });
    }
}
