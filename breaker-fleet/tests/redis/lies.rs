//! A member that lies: raw commands against the keys of a fleet. The others go on, and nothing holds them longer than
//! their own settings allow (F6, F11).

use std::time::{Duration, Instant};

use breaker_runtime::{Config, State};

use crate::log;
use crate::member::{
    Member, agree_again, are_all, are_connected, end_votes, key, members, open_all, until,
};
use crate::server::Server;

const SECOND: Duration = Duration::from_secs(1);

/// No member lost its connection, unless the machine was slow.
fn assert_no_lie_was_noticed(namespace: &str) {
    let warnings = log::warnings(namespace);
    let noticed: Vec<_> = warnings.iter().filter(|it| !it.contains("no answer within")).collect();
    assert!(noticed.is_empty(), "{noticed:#?}");
}

/// Sends a command in which `{}` begins the keys of the namespace.
fn lie(server: &Server, namespace: &str, command: &[&str]) {
    let words: Vec<_> =
        command.iter().map(|word| word.replace("{}", &key(namespace, ""))).collect();
    server.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_no_key_of_the_wrong_type_cuts_members_off() {
    log::listen();
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(3, &server.url(), "types").await;
    agree_again(&fleet).await;
    let names = ["members", "due", "changes", "orders", "meta"];
    for name in names.into_iter().chain(["a:payments", "v:payments", "s:payments"]) {
        let began = Instant::now();
        server.command(&["SET", &key("types", name), "garbage"]);
        agree_again(&fleet).await;
        println!("agreed {:?} after {name} was spoilt", began.elapsed());
    }
    for name in names {
        server.command(&["SET", &key("types", name), ""]);
    }
    let late = Member::join(&server.url(), "types").await;
    until("it is connected", || late.is_connected()).await;
    agree_again(&fleet).await;
    assert_no_lie_was_noticed("types");
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_members_hear_that_an_account_is_lost_and_vote_again() {
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(3, &server.url(), "lost").await;
    let account = ["a:payments", "v:payments", "s:payments"].map(|name| key("lost", name));
    let spoilt = account.iter().map(|key| vec!["SET", key, "garbage"]);
    let lost = vec!["DEL", &account[0]];
    for command in spoilt.chain([lost]) {
        open_all(&fleet).await;
        server.command(&command);
        end_votes(&fleet).await;

        open_all(&fleet).await;
        server.command(&command);
        // It asks for all that there is, and so finds the loss.
        let late = Member::join(&server.url(), "lost").await;
        until("members vote again", || late.state() == State::Open).await;
        until("all know that", || fleet.iter().all(|member| member.view().votes == 2)).await;
        drop(late);
        end_votes(&fleet).await;
    }
}

/// Every lie about a namespace, as a command.
fn lies() -> Vec<Vec<String>> {
    let huge = "x".repeat(1 << 20);
    let order = |text: &str| {
        vec!["HSET", "{}orders", "mode\npayments"]
            .into_iter()
            .map(str::to_owned)
            .chain([text.to_owned()])
            .collect::<Vec<_>>()
    };
    let mut lies: Vec<Vec<String>> = vec![
        order("1 99999999999999999 mode=forced_open\nliar"),
        order("99999999999999999999 1e300 mode=forced_open\nliar"),
        order("not an order"),
        order(&format!("1 99999999999999 {huge}\nliar")),
    ];
    for about in ["payments", "\n", "mode\n", &huge] {
        let words = ["HSET", "{}orders", about, "1 99999999999999 mode=forced_open\nliar"];
        lies.push(words.map(str::to_owned).to_vec());
    }
    let account = [
        ("round", "-1"),
        ("round", "1e300"),
        ("round", "nan"),
        ("stand", "melting"),
        ("open_until", "inf"),
        ("open_until", "soon"),
        ("opened_by", "-5"),
        ("opened_by", "1e12"),
        ("reopenings", "99999999999"),
        ("at_least", "0"),
        ("per_mille", "1e9"),
        ("needed", "nan"),
        ("among", "0.5"),
        ("holder", &huge),
        ("lease_until", "1e300"),
        ("kept_until", "inf"),
    ];
    let fields = account.map(|(field, value)| ["HSET", "{}a:payments", field, value]);
    lies.extend(fields.map(|words| words.map(str::to_owned).to_vec()));
    for words in [
        &["HSET", "{}meta", "version", "9223372036854775807"][..],
        &["HSET", "{}meta", "version", "9007199254740991"],
        &["HSET", "{}meta", "version", "many"],
        &["HSET", "{}meta", "version", "0"],
        &["HSET", "{}meta", "version", "007"],
        &["HSET", "{}meta", "version", "70000000000000"],
        &["HSET", "{}meta", "version", "1000000000000060"],
        &["HSET", "{}meta", "life", "007"],
        &["HSET", "{}meta", "life", "eternal"],
        &["HSET", "{}meta", "life", "0"],
        &[
            "ZADD",
            "{}members",
            "inf",
            "ghost-1",
            "1e300",
            "ghost-2",
            "-inf",
            "ghost-3",
            "9e15",
            "ghost-4",
        ],
        &[
            "ZADD",
            "{}v:payments",
            "inf",
            "ghost-1",
            "1e300",
            "ghost-2",
            "-inf",
            "ghost-3",
            "9e15",
            "ghost-4",
        ],
        &["ZADD", "{}s:payments", "inf", "settings"],
        &["ZADD", "{}changes", "inf", "payments", "1e300", "unknown", "5", &huge],
        &["ZADD", "{}due", "inf", "payments", "-inf", "unknown", "5", &huge],
        &["DEL", "{}members"],
        &["DEL", "{}changes"],
        &["DEL", "{}due"],
        &["DEL", "{}a:payments"],
        &["DEL", "{}v:payments"],
        &["PUBLISH", "{}changed", &huge],
    ] {
        lies.push(words.iter().map(|word| (*word).to_owned()).collect());
    }
    lies
}

/// Every fourth lie, to members of a namespace of their own.
async fn are_told(server: &Server, namespace: &str, lies: &[Vec<String>], first: usize) {
    let fleet = members(3, &server.url(), namespace).await;
    agree_again(&fleet).await;
    for words in lies.iter().skip(first).step_by(4) {
        lie(server, namespace, &words.iter().map(String::as_str).collect::<Vec<_>>());
        println!("{:.90}", words.join(" "));
        // Beats at once, to meet it.
        lie(server, namespace, &["PUBLISH", "{}changed", "0"]);
        let late = Member::join(&server.url(), namespace).await;
        until("it is connected", || late.is_connected()).await;
        assert!(are_all(&fleet, State::Closed) && late.state() == State::Closed, "{words:?}");
        drop(late);
        agree_again(&fleet).await;
    }
    assert_no_lie_was_noticed(namespace);
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_absurd_values_cut_no_member_off_and_open_nothing() {
    log::listen();
    let Some(server) = Server::start(&[]) else { return };
    let lies = lies();
    // They wait for most of the time, so they wait together.
    tokio::join!(
        are_told(&server, "values-1", &lies, 0),
        are_told(&server, "values-2", &lies, 1),
        are_told(&server, "values-3", &lies, 2),
        are_told(&server, "values-4", &lies, 3),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_ten_thousand_unknown_circuits_do_not_hide_a_known_one() {
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(3, &server.url(), "unknown").await;
    agree_again(&fleet).await;
    let mut admin = server.connect();
    let mut changes = redis::pipe();
    for number in 0..10_000 {
        let name = format!("unknown-{number}");
        changes.zadd(key("unknown", "changes"), &name, number).ignore();
        if number % 2 == 0 {
            changes.hset(key("unknown", &format!("a:{name}")), "round", number).ignore();
        }
    }
    changes.exec(&mut admin).unwrap();
    let late = Member::join(&server.url(), "unknown").await;
    until("it is connected", || late.is_connected()).await;
    agree_again(&fleet).await;
    fleet[..2].iter().for_each(Member::fail);
    until("all are open", || are_all(&fleet, State::Open)).await;
    let late = Member::join(&server.url(), "unknown").await;
    until("a member that joins begins open", || late.state() == State::Open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f06_a_forged_verdict_holds_nobody_longer_than_its_own_limits() {
    let Some(server) = Server::start(&[]) else { return };
    let quick = Config::new().failure_threshold(1).success_threshold(1);
    let quick =
        quick.cooldown(Duration::from_millis(200)).probe_timeout(Duration::from_millis(500));
    let longest = Duration::from_secs(2);
    // Votes hold it up to its `cooldown_max`, and after that another that probes for as long again.
    for (holder, what, limit) in [("", "a vote", longest), ("liar", "a lease", longest * 2)] {
        let namespace = format!("forged-{}", what.len());
        let member = Member::with(&server.url(), &namespace, quick).await;
        let redis::Value::Array(time) = server.command(&["TIME"]) else { panic!("no time") };
        let seconds: u64 = redis::from_redis_value(time[0].clone()).unwrap();
        let tomorrow = ((seconds + 80_000) * 1000).to_string();
        let (open_until, lease_until) =
            if holder.is_empty() { (&*tomorrow, "0") } else { ("1", &*tomorrow) };
        lie(
            &server,
            &namespace,
            &[
                "HSET",
                "{}a:payments",
                "round",
                "7",
                "stand",
                "open",
                "open_until",
                open_until,
                "opened_by",
                "900",
                "needed",
                "2",
                "among",
                "900",
                "holder",
                holder,
                "lease_until",
                lease_until,
                "kept_until",
                &tomorrow,
            ],
        );
        lie(&server, &namespace, &["ZADD", "{}changes", "7", "payments"]);
        lie(&server, &namespace, &["HSET", "{}meta", "version", "7"]);
        lie(&server, &namespace, &["PUBLISH", "{}changed", "7"]);
        until("it believes that", || member.state() == State::Open).await;
        let took = until("it probes", || member.circuit.try_acquire().is_ok()).await;
        println!("{what} for a day held it for {took:?}");
        assert!(took < limit + SECOND, "{what}: {took:?}");
        member.circuit.reset();
        assert!(are_connected(&[member]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_members_of_another_version_are_left_alone() {
    let Some(server) = Server::start(&[]) else { return };
    let fleet = members(2, &server.url(), "versions").await;
    for version in ["0", "2", "10"] {
        let other = format!("breaker:{{versions}}:{version}:");
        for name in ["members", "due", "changes", "orders", "meta", "a:payments", "v:payments"] {
            server.command(&["SET", &format!("{other}{name}"), "theirs"]);
        }
    }
    agree_again(&fleet).await;
    for version in ["0", "2", "10"] {
        let meta = server.command(&["GET", &format!("breaker:{{versions}}:{version}:meta")]);
        assert_eq!(meta, redis::Value::BulkString(b"theirs".into()));
    }
}
