//! Orders for all members (F9).

use std::time::Duration;

use breaker_runtime::{Mode, Override, State};
use tokio::time::sleep;

use crate::{Member, SECOND, SOON, members, states};

const QUARTER: Duration = Duration::from_secs(900);

#[tokio::test(start_paused = true)]
async fn f09_orders_about_different_options_stand_side_by_side() {
    let (engine, mut members) = members(2).await;
    let fleet = &members[0].fleet;
    fleet.override_for("payments", Mode::ForcedOpen, QUARTER, "alice").await.unwrap();
    fleet
        .override_for("payments", Override::Option("cooldown", "5s"), QUARTER, "bob")
        .await
        .unwrap();
    sleep(SOON).await;
    members.push(Member::join(&engine).await);
    sleep(SOON).await;
    for member in &members {
        assert_eq!(member.state(), State::ForcedOpen);
        let cooldown = member.circuit.snapshot().config.settings().cooldown;
        assert_eq!(cooldown, SECOND * 5);
    }
    let fleet = &members[1].fleet;
    fleet.override_for("payments", Mode::Normal, QUARTER, "alice").await.unwrap();
    sleep(SOON).await;
    members.push(Member::join(&engine).await);
    sleep(SOON).await;
    assert_eq!(states(&members), [State::Closed; 4], "a later order about the mode replaces it");
}

#[tokio::test(start_paused = true)]
async fn f09_a_long_name_of_who_gave_an_order_is_cut() {
    let (_engine, members) = members(2).await;
    let by = "\u{e9}".repeat(5_000);
    members[0].fleet.override_for("payments", Mode::ForcedOpen, QUARTER, &by).await.unwrap();
    sleep(SOON).await;
    for member in &members {
        let shown = member.circuit.snapshot().mode_override.unwrap().by.unwrap();
        assert!(by.starts_with(&*shown) && shown.len() <= 128, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn f09_an_order_that_is_too_long_to_be_sent_is_refused() {
    let (_engine, members) = members(1).await;
    let long = format!("{}5s", " ".repeat(1_000));
    let order = Override::Option("cooldown", &long);
    let given = members[0].fleet.override_for("payments", order, QUARTER, "alice").await;
    let error = given.unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
}
