//! An order for all members, through a fleet that meets in memory.

mod common;

use std::sync::Arc;
use std::time::Duration;

use breaker_fleet::{Fleet, Memory};
use breaker_runtime::{Config, Registry, State, registry};
use common::{IP, ask, circuit, dashboard, order};
use serde_json::json;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn f09_an_order_for_all_members_reaches_all_of_them_and_ends_there() {
    let engine = Memory::new();
    let _here = Fleet::on(engine.clone()).join().await.unwrap();
    let other = Arc::new(Registry::new());
    let _there = Fleet::on(engine).registry(Arc::clone(&other)).join().await.unwrap();
    let (router, here) = (dashboard(), circuit("members.payments"));
    let there = other.circuit("members.payments", Config::new()).unwrap();

    let body = json!({ "name": "members.payments", "action": "force_open", "for": 900, "all_members": true });
    let answer = ask(&router, order(body.to_string())).await;
    assert_eq!(answer.status.as_u16(), 202, "{}", answer.text());
    sleep(Duration::from_secs(1)).await;
    assert_eq!((here.state(), there.state()), (State::ForcedOpen, State::ForcedOpen));
    let ordered = there.snapshot().mode_override.unwrap();
    assert_eq!(ordered.by.as_deref(), Some(IP));
    assert!(registry().snapshot().fleet.unwrap().connected);

    // Another order for all members takes it back.
    let body = json!({
        "name": "members.payments", "action": "override", "option": "mode", "value": "normal", "for": 60, "all_members": true,
    });
    assert_eq!(ask(&router, order(body.to_string())).await.status.as_u16(), 202);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((here.state(), there.state()), (State::Closed, State::Closed));
}
