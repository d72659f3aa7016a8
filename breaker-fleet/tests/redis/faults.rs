//! The server away, slow, full, read-only, empty or out of reach: members act as if alone, and agree again after it
//! (F8).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use breaker_fleet::{Fleet, Policy};
use breaker_runtime::{CircuitBreaker, Config, Mode, Override, Registry, State};

use crate::log;
use crate::member::{Member, agree_again, are_all, are_connected, config, members, until};
use crate::proxy::{Proxy, Spoils};
use crate::server::Server;

const SECOND: Duration = Duration::from_secs(1);

/// Waits until all members say why they are alone, and checks that they are.
async fn are_alone(members: &[Member], why: &str) {
    until("all are alone", || members.iter().all(|it| !it.is_connected())).await;
    for member in members {
        until(why, || member.why().contains(why)).await;
        let status = member.registry.snapshot().fleet.expect("the fleet is attached");
        assert!(!status.connected && status.disconnects > 0, "{status:?}");
        member.circuit.reset();
        member.fail();
        assert_eq!(member.state(), State::Open, "its own evidence counts");
        member.circuit.reset();
        assert!(member.circuit.try_acquire().is_ok());
    }
}

fn assert_one_warning(namespace: &str, members: usize) {
    let warnings = log::warnings(namespace);
    assert_eq!(warnings.len(), members, "{warnings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_members_outlive_a_server_that_is_killed_and_comes_back_empty() {
    log::listen();
    let Some(mut server) = Server::start(&[]) else { return };
    let fleet = members(3, &server.url(), "killed").await;
    fleet[..2].iter().for_each(Member::fail);
    until("all are open", || are_all(&fleet, State::Open)).await;
    server.kill();
    until("all are alone", || fleet.iter().all(|it| !it.is_connected())).await;
    assert!(fleet.iter().all(|it| it.why().contains("connection")), "{}", fleet[0].why());
    assert!(are_all(&fleet, State::Open), "what is open stays open for its cooldown");
    thread::sleep(SECOND);
    server.start_again();
    let took = until("all are connected", || are_connected(&fleet)).await;
    println!("back {took:?} after the empty start");
    until("they voted again", || fleet.iter().all(|it| it.view().votes == 2)).await;
    assert_eq!(fleet.iter().map(|it| it.view().has_voted).collect::<Vec<_>>(), [true, true, false]);
    let late = Member::join(&server.url(), "killed").await;
    assert_eq!(late.state(), State::Open, "a member that joins begins open (F7)");
    assert_one_warning("killed", 3);
    agree_again(&fleet).await;
}

/// Calls as fast as it can, and returns the longest call.
fn call_until(stop: &AtomicBool, circuit: &CircuitBreaker) -> Duration {
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        if let Ok(permit) = circuit.try_acquire() {
            permit.failure();
        }
        longest = longest.max(began.elapsed());
        if circuit.state() == State::Open {
            circuit.reset();
        }
        thread::yield_now();
    }
    longest
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_no_call_waits_for_a_server_that_is_halted() {
    log::listen();
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(3, &server.url(), "halted").await;
    server.halt();
    let stop = Arc::new(AtomicBool::new(false));
    let (told, circuit) = (Arc::clone(&stop), Arc::clone(&fleet[0].circuit));
    let calls = thread::spawn(move || call_until(&told, &circuit));
    let took = until("all are alone", || fleet.iter().all(|it| !it.is_connected())).await;
    // The first is reset by the thread that calls.
    are_alone(&fleet[1..], "no answer within").await;
    tokio::time::sleep(SECOND).await;
    stop.store(true, Ordering::Relaxed);
    let longest = calls.join().unwrap();
    println!("alone after {took:?}; the longest call took {longest:?}");
    // A call that waited for the server would take 400 ms. This one may have waited for a processor.
    assert!(longest < Duration::from_millis(200), "{longest:?}");
    assert_one_warning("halted", 3);
    server.go_on();
    println!("agreed {:?} after it went on", agree_again(&fleet).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_members_of_a_read_only_replica_are_alone_until_it_takes_writes() {
    log::listen();
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(3, &server.url(), "replica").await;
    let Some(primary) = Server::start(&[]) else { return };
    server.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    are_alone(&fleet, "READONLY").await;
    assert_one_warning("replica", 3);
    server.command(&["REPLICAOF", "NO", "ONE"]);
    println!("agreed after {:?}", agree_again(&fleet).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_members_of_a_full_server_are_alone_until_it_has_room() {
    log::listen();
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(3, &server.url(), "full").await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    are_alone(&fleet, "OOM").await;
    assert_one_warning("full", 3);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    println!("agreed after {:?}", agree_again(&fleet).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_members_of_a_server_that_takes_no_more_clients_wait_for_room() {
    let Some(server) = Server::start(&[]) else { return };
    let mut admin = server.connect();
    redis::cmd("CONFIG").arg("SET").arg("maxclients").arg(1).exec(&mut admin).unwrap();
    let fleet = [
        Member::join(&server.url(), "crowded").await,
        Member::join(&server.url(), "crowded").await,
    ];
    assert!(!are_connected(&fleet));
    redis::cmd("CONFIG").arg("SET").arg("maxclients").arg(100).exec(&mut admin).unwrap();
    println!("agreed after {:?}", agree_again(&fleet).await);
}

/// Members behind a proxy of their own outlive what it does to their connections, one after the other.
async fn outlive(port: u16, namespace: &str, spoils: &[(Spoils, &str)]) {
    let proxy = Proxy::before(port).await;
    let fleet = members(3, &proxy.url(), namespace).await;
    proxy.now(Spoils::Delays(Duration::from_millis(30)));
    agree_again(&fleet).await;
    assert_one_warning(namespace, 0);
    for (round, (spoils, why)) in spoils.iter().enumerate() {
        proxy.now(*spoils);
        // Changes are told, so nobody waits for the next beat.
        for member in &fleet {
            member.circuit.reset();
            member.fail();
        }
        let alone = until("all are alone", || fleet.iter().all(|it| !it.is_connected())).await;
        are_alone(&fleet, why).await;
        let whys: Vec<_> = fleet.iter().map(Member::why).collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy.now(Spoils::Nothing);
        let took = agree_again(&fleet).await;
        println!("{spoils:?}: alone after {alone:?} ({whys:?}), connected {took:?} after it ended");
        assert_one_warning(namespace, 3 * (round + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_members_outlive_every_kind_of_bad_connection() {
    log::listen();
    let Some(server) = Server::start(&[]) else { return };
    let port = server.port();
    // They wait for most of the time, so they wait together.
    tokio::join!(
        outlive(port, "proxy-cuts", &[(Spoils::Cuts, ""), (Spoils::Halves, "")]),
        outlive(
            port,
            "proxy-noise",
            &[(Spoils::Garbles, ""), (Spoils::Delays(SECOND), "no answer within")],
        ),
        outlive(
            port,
            "proxy-lengths",
            &[
                (Spoils::Says(b"$99999999999999\r\nnever"), ""),
                (Spoils::Says(b"*99999999999999\r\n:1\r\n"), ""),
            ],
        ),
        outlive(
            port,
            "proxy-answers",
            &[(Spoils::Says(b":1\r\n:1\r\n:1\r\n:1\r\n"), "parse error"), (Spoils::Cuts, "")],
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_a_wrong_password_is_said_and_not_shown() {
    log::listen();
    let Some(server) = Server::start(&["--requirepass", "opensesame"]) else { return };
    let address = format!("127.0.0.1:{}", server.port());
    for (url, why) in [
        (format!("redis://:hunter2@{address}/"), "authentication failed"),
        (format!("redis://carol:hunter2@{address}/"), "authentication failed"),
        (format!("redis://{address}/"), "authentication failed"),
    ] {
        let member = Member::join(&url, "password").await;
        until("the reason is there", || !member.why().is_empty()).await;
        assert!(member.why().contains(why), "{}", member.why());
        let shown = format!(
            "{:?} {:?} {:?}",
            member.fleet,
            member.fleet.status(),
            member.registry.snapshot()
        );
        assert!(shown.contains(&address) && !shown.contains("hunter2"), "{shown}");
    }
    let url = format!("redis://:hunter2@{address}/");
    let builder = Fleet::redis(url.clone()).namespace("not a word");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.join().await.unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    let error = Fleet::redis("redis://:hunter2@:what/").namespace("n").join().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    assert!(!log::all().contains("hunter2"));

    // The password was changed on the server, or the member came before it.
    let member = Member::join(&url, "password").await;
    let right = redis::Client::open(format!("redis://:opensesame@{address}/")).unwrap();
    let mut admin = right.get_connection().unwrap();
    redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("hunter2").exec(&mut admin).unwrap();
    until("it gets in", || member.is_connected()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_a_user_without_the_rights_is_told_so() {
    let Some(server) = Server::start(&[]) else { return };
    let url = format!("redis://carol:secret@127.0.0.1:{}/", server.port());
    // As `docs/fleet.md` says.
    let rights = "~breaker:* &breaker:* +evalsha +script|load +script|exists +subscribe +hello +ping \
                  +time +del +exists +type +publish +pexpire +@hash +@sortedset";
    let rights: Vec<_> = rights.split_whitespace().collect();
    let set = |rights: &[&str]| {
        let user = ["ACL", "SETUSER", "carol", "reset", "on", ">secret"];
        server.command(&[&user[..], rights].concat());
    };
    for lacking in [
        &["~breaker:*", "+@all"][..],
        &["~other:*", "&breaker:*", "+@all"],
        &["~breaker:*", "&breaker:*", "+@all", "-evalsha"],
    ] {
        set(lacking);
        let member = Member::join(&url, "rights").await;
        until("the reason is there", || !member.why().is_empty()).await;
        assert!(member.why().contains("NOPERM"), "{lacking:?}: {}", member.why());
        set(&rights);
        until("it gets in", || member.is_connected()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_two_namespaces_never_meet() {
    let Some(server) = Server::start(&[]) else { return };
    let shop = members(2, &server.url(), "shop").await;
    let bank = members(2, &server.url(), "bank").await;
    shop.iter().for_each(Member::fail);
    until("the votes are counted", || shop.iter().all(|it| it.view().votes == 2)).await;
    assert_eq!(Member::join(&server.url(), "shop").await.state(), State::Open);
    let late = Member::join(&server.url(), "bank").await;
    assert_eq!(
        (late.state(), late.view().votes, late.fleet.status().members),
        (State::Closed, 0, 3)
    );
    assert!(are_all(&bank, State::Closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn f04_one_sick_member_of_five_opens_nothing_elsewhere() {
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(5, &server.url(), "sick").await;
    let quick =
        Config::new().failure_threshold(1).cooldown(Duration::from_millis(50)).success_threshold(1);
    let sick = Member::with(&server.url(), "sick", quick).await;
    for _ in 0..20 {
        if let Ok(permit) = sick.circuit.try_acquire() {
            permit.failure();
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(are_all(&fleet, State::Closed));
    }
    fleet[0].fail();
    let late = Member::join(&server.url(), "sick").await;
    until("the vote is counted", || late.view().votes == 1).await;
    assert!(are_all(&fleet[1..], State::Closed) && late.state() == State::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_two_hundred_joins_and_leaves_under_load_leave_no_trace() {
    let Some(server) = Server::start(&[]) else { return };
    let url = server.url();
    let steady = members(3, &url, "joins").await;
    let stop = Arc::new(AtomicBool::new(false));
    let (told, circuit) = (Arc::clone(&stop), Arc::clone(&steady[0].circuit));
    let calls = thread::spawn(move || call_until(&told, &circuit));
    let joins = (0..20).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let member = Member::join(&url, "joins").await;
                assert!(member.is_connected(), "{}", member.why());
                if let Ok(permit) = member.circuit.try_acquire() {
                    permit.failure();
                }
            }
        })
    });
    for join in joins.collect::<Vec<_>>() {
        join.await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    println!("the longest call took {:?}", calls.join().unwrap());
    assert!(steady.iter().all(|it| it.fleet.status().disconnects == 0));
    until("all others are gone", || steady.iter().all(|it| it.fleet.status().members == 3)).await;
    agree_again(&steady).await;
}

#[tokio::test]
async fn joining_takes_half_a_second_at_most_without_a_server() {
    let began = Instant::now();
    let registry = Arc::new(Registry::new());
    registry.circuit("payments", config()).unwrap();
    let nowhere = format!("redis://127.0.0.1:{}/", crate::server::free_port());
    let fleet = Fleet::redis(nowhere).namespace("away").policy("*", Policy::Any).registry(registry);
    let fleet = fleet.join().await.unwrap();
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    assert!(!fleet.status().connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_an_order_without_an_answer_says_that_it_may_be_given_and_the_others_never_are() {
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(2, &server.url(), "orders").await;
    server.halt();
    let minute = Duration::from_secs(60);
    let order = |by| fleet[0].fleet.override_for("payments", Mode::ForcedOpen, minute, by);
    let began = Instant::now();
    let (first, second) = tokio::join!(order("alice"), order("bob"));
    let [first, second, third] =
        [first, second, order("carol").await].map(|it| it.unwrap_err().to_string());
    let unsure = |error: &str| {
        error.starts_with("the order may or may not have reached the fleet: no answer")
    };
    assert!(unsure(&first), "it was sent: {first}");
    assert!(second.starts_with("cannot reach the fleet: no answer"), "{second}");
    assert!(third.starts_with("cannot reach the fleet: it is not connected"), "{third}");
    assert!(began.elapsed() < SECOND * 2, "{:?}", began.elapsed());
    server.go_on();
    until("all are connected", || are_connected(&fleet)).await;
    tokio::time::sleep(SECOND).await;
    for member in &fleet {
        let ordered = member.circuit.snapshot().mode_override;
        let by = ordered.and_then(|it| it.by).unwrap_or_else(|| "alice".into());
        assert_eq!(&*by, "alice", "the others were never sent");
    }
    fleet[0].fleet.override_for("payments", Mode::Disabled, minute, "dave").await.unwrap();
    until("all follow", || are_all(&fleet, State::Disabled)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_orders_of_any_length_and_about_each_option_reach_all() {
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(2, &server.url(), "order-texts").await;
    let (minute, by) = (Duration::from_secs(60), "\u{e9}".repeat(5_000));
    let here = &fleet[0].fleet;
    here.override_for("payments", Mode::ForcedOpen, minute, &by).await.unwrap();
    let cooldown = Override::Option("cooldown", "5s");
    here.override_for("payments", cooldown, minute, "bob\nand carol").await.unwrap();
    let late = Member::join(&server.url(), "order-texts").await;
    for member in [&fleet[0], &fleet[1], &late] {
        let shown = || member.circuit.snapshot();
        until("both are there", || {
            shown().state == State::ForcedOpen && shown().config.settings().cooldown == SECOND * 5
        })
        .await;
        let who = shown().mode_override.unwrap().by.unwrap();
        assert!(by.starts_with(&*who) && who.len() <= 128, "{who}");
    }
    here.override_for("payments", Mode::Normal, minute, "alice").await.unwrap();
    let later = Member::join(&server.url(), "order-texts").await;
    until("only the last is there", || later.state() == State::Closed).await;
    assert_eq!(later.circuit.snapshot().config.settings().cooldown, SECOND * 5);
}
