//! Three processes and a dependency that dies: what one service does in production (F4, F5).

use std::time::Duration;

use crate::dependency::{Dependency, Health};
use crate::member::until;
use crate::process::{COOLDOWN, Change, Job, PROBE_TIMEOUT, Processes, since_1970};
use crate::server::Server;

/// Of that many rounds, most must be as quick as the contract says. The others may have waited for a processor.
const ROUNDS: usize = 5;
const SOON: Duration = Duration::from_millis(50);

async fn three(server: &Server, namespace: &'static str) -> (Dependency, Processes) {
    let dependency = Dependency::start().await;
    let address = dependency.address.to_string();
    let job = Job { url: server.url(), namespace, dependency: address };
    let mut members = Processes::new(job);
    members.start("ann", Duration::from_millis(2));
    members.start("ben", Duration::from_millis(2));
    // It calls too rarely to find out by itself in time.
    members.start("cat", Duration::from_millis(100));
    (dependency, members)
}

/// Waits until that many members changed to a state, and returns all changes until then.
fn wait_for(members: &Processes, count: usize, change: &str) -> Vec<Change> {
    let mut who = Vec::new();
    members.wait_for(&format!("{count} times {change}"), |it| {
        if it.what.contains(change) && !who.contains(&it.member) {
            who.push(it.member);
        }
        who.len() == count
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn f04_three_processes_refuse_within_50_ms_of_the_quorum_and_one_probes_per_round() {
    let Some(server) = Server::start(&[]) else { return };
    let (dependency, members) = three(&server, "three").await;
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        dependency.is_now(Health::Dead);
        let changes = wait_for(&members, 3, "closed -> open");
        let openings: Vec<_> =
            changes.iter().filter(|it| it.what.contains("closed -> open")).collect();
        let mut own: Vec<_> = openings.iter().filter(|it| !it.what.contains("voted")).collect();
        own.sort_by_key(|it| it.at);
        let last = openings.iter().map(|it| it.at).max().unwrap();
        opened.push(last.saturating_sub(own[1].at));

        // By then, calls from before have arrived: from now on, each is a probe.
        let mut failed = Vec::new();
        let changes = members.wait_for("four probes fail", |it| {
            failed.extend(it.what.contains("half_open -> open").then_some(it.at));
            failed.len() == 4
        });
        let is_between = |at: Duration| failed[0] < at && at < failed[3];
        let begins = |it: &&Change| it.what.contains("open -> half_open") && is_between(it.at);
        let began = changes.iter().filter(begins).count();
        assert_eq!(began, 3, "round {round}: one member for each probe: {changes:#?}");
        let mut probes = dependency.callers();
        probes.retain(|(_, at)| is_between(*at));
        assert_eq!(probes.len(), 3, "round {round}: one call for each probe: {probes:?}");

        dependency.is_now(Health::Well);
        let changes = wait_for(&members, 3, "-> closed");
        let closings = changes.iter().filter(|it| it.what.contains("-> closed"));
        let (first, last) =
            (closings.clone().map(|it| it.at).min(), closings.map(|it| it.at).max());
        closed.push(last.unwrap().saturating_sub(first.unwrap()));
        let closers = changes.iter().filter(|it| it.what.contains("half_open -> closed"));
        assert_eq!(closers.count(), 1, "one probe closes all: {changes:#?}");
    }
    println!("from the quorum to the last of three: {opened:?}");
    println!("from the first that closed to the last: {closed:?}");
    assert!(median(opened.clone()) < SOON, "{opened:?}");
    assert!(median(closed.clone()) < SOON, "{closed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f05_a_member_that_is_killed_while_it_probes_is_replaced_when_its_lease_ends() {
    let Some(server) = Server::start(&[]) else { return };
    let (dependency, mut members) = three(&server, "lease").await;
    dependency.is_now(Health::Dead);
    wait_for(&members, 3, "closed -> open");
    dependency.is_now(Health::Hangs);
    let begins = |it: &Change| it.what.contains("open -> half_open");
    // Earlier probes may have failed, and a call from before may hang.
    let (mut changes, mut probers) = (Vec::new(), Vec::new());
    until("one probes", || {
        changes.extend(members.heard());
        let began = |name: &String| changes.iter().any(|it| begins(it) && it.member == name);
        probers = dependency.hanging().into_iter().filter(began).collect();
        !probers.is_empty()
    })
    .await;
    let prober = probers.remove(0);
    members.kill(&prober);
    let killed = since_1970();
    let is_other = |it: &Change| begins(it) && it.member != prober && it.at > killed;
    changes.extend(members.wait_for("another probes", is_other));
    let began = changes.iter().filter(|it| begins(it) && it.member == prober).map(|it| it.at);
    let began = began.max().unwrap();
    let after = changes.last().unwrap().at.saturating_sub(began);
    println!("another probed {after:?} after {prober} did, which was killed");
    assert!(after + COOLDOWN > PROBE_TIMEOUT, "not while the lease lasted: {after:?}");
    let took = since_1970().saturating_sub(killed);
    assert!(took < PROBE_TIMEOUT + Duration::from_secs(2), "{took:?}: {changes:#?}");
    dependency.is_now(Health::Well);
}
