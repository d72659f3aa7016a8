//! Who probes when calls are rare (F5).

use std::time::Duration;

use breaker_fleet::Memory;
use breaker_runtime::{Config, State};
use tokio::time::{Instant, sleep};

use crate::{Member, SECOND, SOON, config};

const MINUTE: Duration = Duration::from_secs(60);

/// All open. Then each member calls once in `pause`, one after the other. Returns when the first call was let in, and
/// how many were refused until then.
async fn first_probe(count: u32, pause: Duration, config: Config) -> (Duration, u32) {
    let engine = Memory::new();
    let mut members = Vec::new();
    for _ in 0..count {
        members.push(Member::with(&engine, config).await);
    }
    members.iter().for_each(Member::fail);
    let (opened, mut refused) = (Instant::now(), 0);
    loop {
        for member in &members {
            sleep(pause / count).await;
            if member.circuit.try_acquire().is_ok() {
                return (opened.elapsed(), refused);
            }
            refused += 1;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f05_a_member_whose_next_call_comes_after_its_lease_still_probes() {
    let by_default = config().cooldown(MINUTE);
    let quick = by_default.probe_timeout(SECOND);
    for (count, pause, config) in [
        (2, MINUTE * 2, by_default),
        (10, MINUTE * 2, by_default),
        (100, MINUTE * 2, by_default),
        (2, SECOND * 10, quick),
        (10, SECOND * 10, quick),
        (1, MINUTE * 2, by_default),
    ] {
        let (took, refused) = first_probe(count, pause, config).await;
        let longest = MINUTE + pause * 2;
        assert!(took <= longest, "{count} members every {pause:?}: {took:?}, {refused} refused");
    }
}

#[tokio::test(start_paused = true)]
async fn f05_an_idle_member_gives_the_lease_to_one_that_has_calls() {
    for probe_timeout in [SECOND, SECOND * 30] {
        let engine = Memory::new();
        let config = config().probe_timeout(probe_timeout);
        let idle = Member::with(&engine, config).await;
        let others = [Member::with(&engine, config).await, Member::with(&engine, config).await];
        idle.fail();
        others.iter().for_each(Member::fail);
        sleep(MINUTE).await;
        assert!(idle.circuit.try_acquire().is_err(), "it asks, and has no other call");
        sleep(SOON).await;
        let asked = Instant::now();
        while others[0].circuit.try_acquire().is_err() {
            sleep(SECOND / 10).await;
            let waited = asked.elapsed();
            assert!(waited <= probe_timeout + SECOND * 8, "{waited:?} of {probe_timeout:?}");
        }
        assert_eq!(idle.state(), State::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn f05_one_call_of_another_does_not_take_a_lease_away() {
    let engine = Memory::new();
    let config = config().probe_timeout(SECOND);
    let members = [Member::with(&engine, config).await, Member::with(&engine, config).await];
    members.iter().for_each(Member::fail);
    sleep(MINUTE).await;
    assert!(members[0].circuit.try_acquire().is_err());
    sleep(SECOND * 20).await;
    assert!(members[1].circuit.try_acquire().is_err());
    sleep(SECOND * 20).await;
    assert!(members[0].circuit.try_acquire().is_ok(), "{}", members[0].explain());
}

#[tokio::test(start_paused = true)]
async fn f05_members_with_rare_calls_close_the_circuit_in_as_many_calls_as_it_takes() {
    for count in [1, 2, 10] {
        let engine = Memory::new();
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(Member::with(&engine, config().success_threshold(3)).await);
        }
        members.iter().for_each(Member::fail);
        let (opened, pause) = (Instant::now(), MINUTE * 2);
        while members[0].state() != State::Closed {
            for member in &members {
                sleep(pause / count).await;
                if let Ok(probe) = member.circuit.try_acquire() {
                    probe.success();
                }
            }
        }
        let took = opened.elapsed();
        assert!(took <= pause * 5, "{count} members: {took:?}");
    }
}
