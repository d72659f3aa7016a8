//! The stream of events: when they come, what is in them, and what it costs when nobody reads.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use breaker_dashboard::Dashboard;
use breaker_runtime::{Config, State, registry};
use common::{Page, circuit, dashboard, get};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// What happens to the circuits of one test comes at once to the streams of all.
static ALONE: Mutex<()> = Mutex::const_new(());

const SOON: Duration = Duration::from_secs(20);

async fn open(router: &Router) -> Page {
    let mut page = Page::open(router).await;
    assert_eq!(page.raw().await, "retry: 1000\n\n");
    page
}

/// What a page knows after the next event.
async fn next(page: &mut Page) -> Value {
    page.next().await;
    page.known()
}

fn row<'a>(event: &'a Value, name: &str) -> &'a Value {
    event["circuits"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_picture_comes_at_once_and_then_every_second() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    circuit("streaming.every");
    sleep(Duration::from_millis(300)).await;
    let mut stream = open(&router).await;
    let opened = Instant::now();
    next(&mut stream).await;
    assert_eq!(opened.elapsed(), Duration::ZERO);
    let mut seconds = Vec::new();
    for _ in 0..5 {
        seconds.push(next(&mut stream).await["second"].as_u64().unwrap());
    }
    assert_eq!(seconds.last().unwrap() - seconds[0], 4);
    assert!(opened.elapsed() > Duration::from_secs(4) && opened.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_state_comes_at_once() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    let changing = circuit("streaming.change");
    sleep(Duration::from_millis(2_500)).await;
    let mut stream = open(&router).await;
    assert_eq!(row(&next(&mut stream).await, "streaming.change")["state"], "closed");
    let changed = Instant::now();
    changing.trip();
    let event = next(&mut stream).await;
    assert!(changed.elapsed() <= Duration::from_millis(100), "{:?}", changed.elapsed());
    let row = row(&event, "streaming.change");
    assert_eq!(row["state"], "open");
    assert!(row["explanation"].as_str().unwrap().ends_with(": trip(); probes in 1m"));
    assert!(
        event["log"].as_array().unwrap().iter().any(|entry| entry["name"] == "streaming.change")
    );
}

#[tokio::test(start_paused = true)]
async fn r30_how_long_the_calls_of_the_last_minute_took_comes_with_the_rows() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    circuit("streaming.a-untimed").try_acquire().unwrap().success();
    let config = Config::new().timings(true).slow_call(Duration::from_millis(200));
    let timed = registry().get_or_create("streaming.a-timed", config).unwrap();
    sleep(Duration::from_secs(1)).await;
    for _ in 0..100 {
        let permit = timed.try_acquire().unwrap();
        sleep(Duration::from_millis(40)).await;
        permit.success();
    }
    sleep(Duration::from_secs(6)).await;
    let mut stream = open(&router).await;
    let event = next(&mut stream).await;
    let minute = &row(&event, "streaming.a-timed")["minute"];
    let p95 = minute["p95"].as_f64().unwrap();
    assert!(minute["calls"] == 100 && (0.04..0.05).contains(&p95), "{minute}");
    assert_eq!(row(&event, "streaming.a-timed")["slow_call"], 0.2);
    let untimed = row(&event, "streaming.a-untimed").as_object().unwrap();
    assert!(!untimed.contains_key("minute") && !untimed.contains_key("slow_call"));

    let listed = get(&router, "/api/circuits?contains=streaming.a-timed").await.json();
    assert_eq!(&listed["circuits"][0]["minute"], minute);
    assert!(listed["circuits"][0].get("durations").is_none(), "only if one is asked for");
    let whole = get(&router, "/api/circuits/streaming.a-timed").await.json();
    let strip = &whole["durations"];
    assert_eq!(strip["bounds"], json!([0.05, 0.1, 0.25]), "up to slow_call");
    assert_eq!((&strip["step"], &strip["from"]), (&json!(5), &json!(0.025)));
    let columns = strip["calls"].as_array().unwrap();
    assert_eq!(columns.iter().map(|it| it[0].as_u64().unwrap()).sum::<u64>(), 100);
    assert_eq!(whole["timings"]["count"], 100);

    sleep(Duration::from_secs(70)).await;
    let picture = next(&mut open(&router).await).await;
    assert!(row(&picture, "streaming.a-timed").get("minute").is_none(), "nobody called");
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_flaps_makes_no_more_than_ten_events_a_second() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    let flapping = circuit("streaming.flapping");
    let mut stream = open(&router).await;
    let flaps = tokio::spawn(async move {
        loop {
            flapping.trip();
            flapping.reset();
            sleep(Duration::from_millis(1)).await;
        }
    });
    let until = Instant::now() + Duration::from_secs(10);
    let mut events = 0;
    while Instant::now() < until {
        next(&mut stream).await;
        events += 1;
    }
    flaps.abort();
    assert!((50..=110).contains(&events), "{events} events in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_slow_gets_the_present_and_not_the_past() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    let slow = circuit("streaming.slow");
    let mut stream = open(&router).await;
    next(&mut stream).await;
    for _ in 0..50 {
        slow.trip();
        sleep(Duration::from_millis(200)).await;
        slow.reset();
        sleep(Duration::from_millis(200)).await;
    }
    slow.force_open();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(
        row(&next(&mut stream).await, "streaming.slow")["state"],
        State::ForcedOpen.as_str()
    );
}

fn ids(answer: &Value) -> Vec<u64> {
    answer["log"].as_array().unwrap().iter().map(|entry| entry["id"].as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_where_its_part_of_the_log_begins_and_the_rest_can_be_fetched() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    let all: Vec<_> = (0..60).map(|it| circuit(&format!("streaming.crowd-{it:02}"))).collect();
    sleep(Duration::from_secs(1)).await;
    let mut stream = open(&router).await;
    next(&mut stream).await;
    for circuit in &all {
        circuit.trip();
    }
    let event = next(&mut stream).await;
    assert_eq!(ids(&event), (41..=60).collect::<Vec<_>>());
    assert_eq!(event["log_from"], 41);
    assert_eq!(get(&router, "/api/circuits?limit=0").await.json()["log_from"], 41);
    let rest = get(&router, "/api/log?from=1").await.json();
    assert_eq!(
        (&rest["log_from"], &rest["next"], &rest["boot"]),
        (&json!(1), &Value::Null, &event["boot"])
    );
    assert_eq!(ids(&rest), (1..=60).collect::<Vec<_>>());
    let part = get(&router, "/api/log?from=10&limit=5").await.json();
    assert_eq!((ids(&part), &part["next"]), ((10..15).collect(), &json!(15)));
    let none = get(&router, "/api/log?from=61").await.json();
    assert_eq!((ids(&none), &none["log_from"], &none["next"]), (vec![], &json!(61), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_a_bounded_part_of_the_log_and_says_where_to_go_on() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    for number in 0..700 {
        circuit(&format!("streaming.long-{number:03}")).trip();
    }
    sleep(Duration::from_secs(1)).await;
    let mut known = Vec::new();
    let mut from = json!(1);
    while from != Value::Null {
        let part = get(&router, &format!("/api/log?limit=999999&from={from}")).await.json();
        assert!(ids(&part).len() <= 500);
        known.extend(ids(&part));
        from = part["next"].clone();
    }
    assert_eq!(known, (1..=700).collect::<Vec<_>>());
}

/// Nobody looks in between: the thread that looks is the one that trips.
#[tokio::test(start_paused = true)]
async fn events_that_came_too_fast_to_be_kept_leave_their_numbers_free() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    let flapping = circuit("streaming.too-fast");
    for _ in 0..1_000 {
        flapping.trip();
        flapping.reset();
    }
    sleep(Duration::from_secs(1)).await;
    flapping.trip();
    sleep(Duration::from_secs(1)).await;
    let log = get(&router, "/api/log").await.json();
    assert_eq!(ids(&log)[ids(&log).len() - 2..], [2_000, 2_001]);
}

#[tokio::test(start_paused = true)]
async fn every_start_of_a_dashboard_has_a_boot_of_its_own() {
    let _alone = ALONE.lock().await;
    let [one, other] = [dashboard(), dashboard()];
    let mut boots = Vec::new();
    for router in [&one, &other] {
        let boot = next(&mut open(router).await).await["boot"].clone();
        assert_eq!(get(router, "/api/circuits?limit=0").await.json()["boot"], boot);
        boots.push(boot.as_str().unwrap().to_owned());
    }
    assert_ne!(boots[0], boots[1]);
}

#[tokio::test]
async fn h10_there_are_so_many_streams_at_once_and_a_place_that_gets_free_is_free() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(open(&router).await);
    }
    let refused = get(&router, "/api/events").await;
    assert_eq!((refused.failure(), &refused.headers["retry-after"]), (503, &"5".parse().unwrap()));
    streams.pop();
    streams.push(open(&router).await);
    assert_eq!(get(&router, "/api/events").await.failure(), 503);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_dashboard() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    let mut stream = open(&router).await;
    drop(router);
    let ended = async { while stream.is_going_on().await {} };
    assert!(timeout(Duration::from_secs(5), ended).await.is_ok());
}

/// Bytes of the process that are in memory.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn h10_a_thousand_clients_that_never_read_take_bounded_memory() {
    let _alone = ALONE.lock().await;
    for number in 0..600 {
        circuit(&format!("streaming.stalled-{number:04}"));
    }
    let server = Dashboard::new().bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = server.address();
    tokio::spawn(server.run());
    let before = resident();
    // Some of them wait to be accepted for as long as the others are there.
    let mut clients = JoinSet::new();
    for _ in 0..1_000 {
        clients.spawn(async move {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
            std::future::pending::<()>().await;
            drop(client);
        });
    }
    sleep(Duration::from_secs(3)).await; // of pictures that nobody reads
    let grown = resident().saturating_sub(before) >> 20;
    println!("{grown} MiB");
    assert!(grown < 192, "{grown} MiB");
    clients.shutdown().await;
    let mut client = timeout(SOON, TcpStream::connect(address)).await.unwrap().unwrap();
    client
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    timeout(SOON, client.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"));
}
