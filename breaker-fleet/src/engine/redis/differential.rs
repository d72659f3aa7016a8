//! Random histories: the script on a real server gives the answers of the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redis::Commands as _;

use super::Redis;
use crate::engine::{Ask, Beat, Engine as _, Leased, Posted, Report, Stand, What, Word};
use crate::ledger::{Ledger, option_of};
use crate::policy::Rule;

#[allow(dead_code, reason = "shared with the integration tests, which need more of it")]
#[path = "../../../tests/redis/server.rs"]
mod server;

const HISTORIES: u64 = 100;
const STEPS: u32 = 80;
const MEMBERS: [&str; 5] = ["ann", "ben", "cat", "dan", "eve"];
const CIRCUITS: [&str; 3] = ["http/{a}", "payments", "zoo"];

/// The script, but with a clock that the test moves: it reads a key instead of the time.
fn with_clock(script: &str) -> String {
    let clock = "redis.call('MGET', KEYS[1] .. 'seconds', KEYS[1] .. 'micros')";
    assert_eq!(script.matches("redis.call('TIME')").count(), 1);
    script.replace("redis.call('TIME')", clock)
}

/// Both, and what each member knows of each.
struct Pair {
    ledger: Ledger,
    redis: Redis,
    clock: redis::Connection,
    now: u64,
    seen: BTreeMap<&'static str, [(u64, u64); 2]>,
    /// The numbers of rounds and orders: those of the script by those of the ledger. Only which one of a circuit is
    /// greater has a meaning.
    numbers: BTreeMap<String, BTreeMap<u64, u64>>,
    /// The last that was given a lease, and for which circuit.
    prober: Option<(&'static str, &'static str)>,
    /// What was met, so that the test is known to meet everything.
    met: BTreeSet<String>,
}

impl Pair {
    fn new(server: &server::Server, seed: u64) -> Self {
        let mut redis = Redis::new(&server.url(), &format!("history-{seed}")).unwrap();
        redis.script = with_clock(&redis.script);
        Self {
            ledger: Ledger::new(1),
            redis,
            clock: server.connect(),
            now: 1_000_000,
            seen: BTreeMap::new(),
            numbers: BTreeMap::new(),
            prober: None,
            met: BTreeSet::new(),
        }
    }

    fn wait(&mut self, millis: u64) {
        self.now += millis;
        let time = [("seconds", self.now / 1000), ("micros", self.now % 1000 * 1000)];
        let time = time.map(|(unit, value)| (format!("{}{unit}", self.redis.prefix), value));
        self.clock.mset::<_, _, ()>(&time).unwrap();
    }

    async fn step(&mut self, random: &mut fastrand::Rng) {
        let any = (MEMBERS[random.usize(..5)], CIRCUITS[random.usize(..3)]);
        let (member, circuit) = self.prober.filter(|_| random.bool()).unwrap_or(any);
        let verb = random.u32(..16);
        let said = format!("{verb} of {member} on {circuit} at {}", self.now);
        println!("{said}");
        match verb {
            0..5 => self.beat(member, random).await,
            5..7 => {
                let lasts = Duration::from_millis(random.u64(0..2_000));
                let ask = Ask { member, circuit, lasts };
                let (left, right) = (self.ledger.lease(ask, self.now), self.redis.lease(ask).await);
                if left == Leased::Granted {
                    self.prober = Some((member, circuit));
                }
                self.met.extend(format!("{left:?}").split('(').next().map(str::to_owned));
                assert_eq!(Ok(left), right, "{said}");
            }
            _ => {
                let what = what(verb, random);
                let said = Word { member: member.into(), circuit: circuit.into(), what };
                self.ledger.tell(&said, self.now);
                self.redis.tell(&[said]).await.unwrap();
            }
        }
    }

    async fn beat(&mut self, member: &'static str, random: &mut fastrand::Rng) {
        let knows = self.seen.entry(member).or_default();
        if random.u32(..10) == 0 {
            *knows = Default::default();
        }
        let alive_for = Duration::from_millis([0, 700, 3_000, 15_000][random.usize(..4)]);
        let [left, right] = *knows;
        let beat = |(life, version)| Beat { member, alive_for, life, version };
        let left = self.ledger.beat(beat(left), self.now);
        let right = self.redis.beat(beat(right)).await.unwrap();
        *knows = [(left.life, left.version), (right.life, right.version)];
        let ((left, ours), (right, theirs)) = (canonical(left), canonical(right));
        assert_eq!(left, right);
        self.met.extend(left.records.iter().map(|it| format!("{:?}", it.stand)));
        for ((circuit, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
            let numbers = self.numbers.entry(circuit).or_default();
            assert_eq!(*numbers.entry(ours).or_insert(theirs), theirs);
            assert!(numbers.values().is_sorted(), "{numbers:?}");
        }
    }
}

fn what(verb: u32, random: &mut fastrand::Rng) -> What {
    match verb {
        7..12 => What::Vote {
            lasts: Duration::from_millis(random.u64(0..5_000)),
            reopenings: random.u32(..4),
            settings: random.u64(..20),
            rule: [Rule::QUORUM, Rule::ANY, Rule { at_least: 1, per_mille: 700 }]
                [random.usize(..3)],
        },
        12 => What::Withdraw,
        13 | 14 => What::Recovered,
        _ => What::Order {
            what: ["mode=forced_open", "mode= disabled", "cooldown=5s", "nonsense"]
                [random.usize(..4)]
            .to_owned(),
            lasts: Duration::from_millis(random.u64(0..5_000)),
            by: "alice\nand bob".to_owned(),
        },
    }
}

/// In the order of names, with the numbers of rounds and orders apart, and without those of versions.
fn canonical(report: Report) -> (Report, Vec<(String, u64)>) {
    let mut report = Report { life: 0, version: 0, ..report };
    report.records.sort_by(|a, b| a.circuit.cmp(&b.circuit));
    report.orders.sort_by_key(|it| (it.circuit.clone(), it.what.clone()));
    let rounds = report.records.iter_mut();
    let rounds = rounds.map(|it| (it.circuit.clone(), std::mem::take(&mut it.round)));
    let orders = report.orders.iter_mut();
    let about = |it: &Posted| format!("{} of {}", option_of(&it.what), it.circuit);
    let orders = orders.map(|it| (about(it), std::mem::take(&mut it.number)));
    let numbers = rounds.chain(orders).collect();
    (report, numbers)
}

#[tokio::test]
async fn f06_the_script_gives_the_answers_of_the_ledger() {
    let Some(server) = server::Server::start(&[]) else { return };
    let mut met = BTreeSet::new();
    for seed in 0..HISTORIES {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut pair = Pair::new(&server, seed);
        println!("history {seed}");
        for _ in 0..STEPS {
            let most = [1, 50, 1_000, 6_000, 700_000][random.usize(..5)];
            pair.wait(random.u64(0..most));
            pair.step(&mut random).await;
        }
        met.append(&mut pair.met);
    }
    let all =
        ["Counting", "Granted", "Held", "NotDue", "Open", "Recovered", "Unneeded", "Withdrawn"];
    assert!(met.iter().eq(&all), "{met:?}");
}

#[tokio::test]
async fn f08_a_server_without_memory_begins_another_life_also_for_a_member_that_began_the_last() {
    let Some(server) = server::Server::start(&[]) else { return };
    let redis = Redis::new(&server.url(), "lives").unwrap();
    let beat = Beat { member: "ann", alive_for: Duration::from_secs(15), life: 0, version: 0 };
    let first = redis.beat(beat).await.unwrap();
    server.command(&["FLUSHALL"]);
    let second =
        redis.beat(Beat { life: first.life, version: first.version, ..beat }).await.unwrap();
    assert!(second.is_whole && second.life != first.life, "{first:?} {second:?}");
}

#[tokio::test]
async fn f11_a_broken_account_hides_from_nobody_that_a_member_is_gone() {
    let Some(server) = server::Server::start(&[]) else { return };
    let mut pair = Pair::new(&server, 0);
    pair.wait(0);
    let last = Duration::from_secs(15);
    let beat = |member, alive_for| Beat { member, alive_for, life: 0, version: 0 };
    for (member, alive_for) in [("ann", last * 2), ("ben", last * 2), ("cat", last), ("dan", last)]
    {
        pair.redis.beat(beat(member, alive_for)).await.unwrap();
    }
    // Three of four are needed, and two vote.
    let what = |per_mille| What::Vote {
        lasts: last * 2,
        reopenings: 0,
        settings: 1,
        rule: Rule { at_least: 2, per_mille },
    };
    for member in ["ann", "ben"] {
        let word = |circuit: &str, per_mille| Word {
            member: member.into(),
            circuit: circuit.into(),
            what: what(per_mille),
        };
        pair.redis.tell(&[word("payments", 700), word("broken", 1_000)]).await.unwrap();
    }
    server.command(&["SET", &format!("{}a:broken", pair.redis.prefix), "garbage"]);
    server.command(&["ZADD", &format!("{}due", pair.redis.prefix), "1", "broken"]);
    pair.wait(15_000);
    let report = pair.redis.beat(beat("ann", last)).await.unwrap();
    let payments = report.records.iter().find(|record| record.circuit == "payments").unwrap();
    assert_eq!((payments.stand, report.members), (Stand::Open, 2));
}
