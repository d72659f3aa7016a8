//! What can be read, by whom, and what never shows.

mod common;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use breaker_dashboard::Dashboard;
use breaker_runtime::{Config, registry};
use common::{ask, circuit, dashboard, get};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::sleep;

/// As a browser writes a name into a path.
fn encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |path, byte| path + &format!("%{byte:02X}"))
}

fn names(list: &Value) -> Vec<&str> {
    list["circuits"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn h01_a_circuit_is_found_by_its_exact_name_and_by_nothing_else() {
    let router = dashboard();
    for name in ["a/b", "..", "%2e%2e", "ü?#&=+", "<script>alert(1)</script>", " ", "\u{202e}gnp"]
    {
        circuit(name);
        let found = get(&router, &format!("/api/circuits/{}", encoded(name))).await;
        assert_eq!((found.status.as_u16(), &found.json()["name"]), (200, &json!(name)));
        let listed = get(&router, &format!("/api/circuits?name={}", encoded(name))).await.json();
        assert_eq!((names(&listed), &listed["matching"]), (vec![name], &json!(1)));
    }
    let long = "n".repeat(10_000);
    for path in ["..%2f%00", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "A%2Fb", "a%2Fb%20", long.as_str()] {
        assert_eq!(get(&router, &format!("/api/circuits/{path}")).await.failure(), 404, "{path}");
    }
    for path in ["/api/circuits/a/b", "/api/circuits/", "/etc/passwd", "/api", "//", "/page.html"] {
        assert_eq!(get(&router, path).await.failure(), 404, "{path}");
    }
    assert_eq!(get(&router, "/api/circuits/%ff").await.status.as_u16() / 100, 4);
}

#[tokio::test]
async fn r27_a_circuit_that_recovers_is_told_with_the_share_that_it_lets_in() {
    let router = dashboard();
    let (nanosecond, day) = (Duration::from_nanos(1), Duration::from_secs(86_400));
    let config = Config::new().cooldown(nanosecond).success_threshold(1).recovery(day);
    let recovering = registry().get_or_create("reading.recovering", config).unwrap();
    recovering.trip();
    let probe = std::iter::repeat_with(|| recovering.try_acquire()).find_map(Result::ok);
    probe.expect("its cooldown is over").success();
    let watched = common::watched(&router).await;
    let rows = watched["circuits"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "reading.recovering").unwrap();
    let share = row["recovering_share"].as_f64().unwrap();
    assert!(row["state"] == "recovering" && (0.1..0.2).contains(&share), "{row}");
    let health = get(&router, "/healthz?strict").await.json();
    assert_eq!(health["recovering"], 1);
    let options = get(&router, "/api/options").await.json();
    let kind = |name: &str| {
        let options = options["options"].as_array().unwrap().iter();
        options.clone().find(|option| option["name"] == name).unwrap()["kind"].clone()
    };
    assert_eq!([kind("hung_after"), kind("recovery"), kind("open_for_max")], ["duration"; 3]);
}

#[tokio::test]
async fn h02_no_name_becomes_markup_and_nothing_is_taken_for_another_type() {
    let router = dashboard();
    for name in [
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(2)</script>",
        "\"onload=\"x",
        "a\u{2028}b",
    ] {
        circuit(name);
    }
    let page = get(&router, "/").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(!page.text().contains("alert("), "the page has no names in it");
    for path in ["/api/circuits", "/metrics", "/healthz", "/nothing", "/api/circuits/%3Cscript%3E"]
    {
        let answer = get(&router, path).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(
            answer.headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert_ne!(answer.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn the_pages_own_script_runs_and_no_other() {
    let router = dashboard();
    let [one, other] = [get(&router, "/").await, get(&router, "/").await];
    let policy = one.headers["content-security-policy"].to_str().unwrap();
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(nonce.len() >= 22 && one.text().contains(&format!("<script nonce=\"{nonce}\">")));
    assert!(
        one.text().contains(&format!("<style nonce=\"{nonce}\">"))
            && !one.text().contains("{{nonce}}")
    );
    assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe") && !policy.contains('*'));
    assert!(!other.text().contains(nonce), "each page has its own");
}

#[tokio::test]
async fn no_page_may_frame_the_page_unless_the_same_origin_is_allowed() {
    let policy_of = |answer: &common::Answer| {
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        policy.split("frame-ancestors ").nth(1).unwrap().to_owned()
    };
    let strict = get(&dashboard(), "/").await;
    assert_eq!(policy_of(&strict), "'none'");
    assert_eq!(strict.headers["x-frame-options"], "DENY");
    let framed = Dashboard::new().allow_same_origin_frames().into_router();
    let page = get(&framed, "/").await;
    assert_eq!(policy_of(&page), "'self'");
    assert_eq!(page.headers["x-frame-options"], "SAMEORIGIN");
    for path in ["/api/circuits", "/nothing"] {
        let answer = get(&framed, path).await;
        assert_eq!(policy_of(&answer), "'none'", "{path}");
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
    }
}

#[tokio::test]
async fn h05_only_hosts_that_are_expected_are_answered() {
    let plain = dashboard();
    let opened = Dashboard::new().allow_host("ops.example.com").unwrap();
    let opened = opened.allow_addresses().into_router();
    let ask_as = async |router: &Router, host: &str, path: &str| {
        let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
        ask(router, request).await.status.as_u16()
    };
    for path in ["/", "/api/circuits", "/api/events", "/metrics", "/healthz", "/nothing"] {
        assert_eq!(ask_as(&plain, "evil.example", path).await, 403, "{path}");
        assert_eq!(ask_as(&plain, "10.0.0.1:3030", path).await, 403, "{path}");
    }
    assert_eq!(ask_as(&plain, "127.0.0.1:3030", "/healthz").await, 200);
    assert_eq!(ask_as(&opened, "ops.example.com:8443", "/healthz").await, 200);
    assert_eq!(ask_as(&opened, "10.0.0.1:3030", "/metrics").await, 200);
    assert_eq!(ask_as(&opened, "evil.example", "/metrics").await, 403);
    let two = Request::get("/healthz").header("host", "localhost").header("host", "evil.example");
    assert_eq!(ask(&plain, two.body(Body::empty()).unwrap()).await.failure(), 403);
    let absolute = Request::get("http://evil.example/healthz").header("host", "localhost");
    assert_eq!(ask(&plain, absolute.body(Body::empty()).unwrap()).await.failure(), 403);
}

#[tokio::test]
async fn h09_a_list_has_at_most_a_mebibyte_and_goes_on_where_it_ended() {
    let router = dashboard();
    for number in 0..3_000 {
        circuit(&format!("many-{number:04}-{}", "x".repeat(100)));
    }
    circuit("many-open").trip();
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let answer = get(&router, &format!("/api/circuits?contains=MANY-{after}")).await;
        assert!(answer.body.len() <= 1 << 20, "{} bytes", answer.body.len());
        let list = answer.json();
        assert_eq!(list["matching"], 3_001);
        seen.extend(names(&list).into_iter().map(str::to_owned));
        match list["next"].as_str() {
            Some(next) => after = format!("&after={}", encoded(next)),
            None => break,
        }
    }
    assert_eq!((seen.len(), seen[0].as_str()), (3_001, "many-open"));
    assert!(seen[1..].is_sorted_by(|one, next| one < next));
    assert_eq!(names(&get(&router, "/api/circuits?contains=many-&limit=2").await.json()).len(), 2);
    assert_eq!(get(&router, "/api/circuits?after=nonsense").await.failure(), 400);
}

#[tokio::test]
async fn a_circuit_is_told_with_what_the_dashboard_knows_of_it() {
    let router = dashboard();
    let known = circuit("reading.known");
    known.trip();
    let told = get(&router, "/api/circuits/reading.known").await.json();
    for field in
        ["state", "explanation", "calls", "config", "history", "per_second", "override", "log"]
    {
        assert!(told.get(field).is_some(), "`{field}`");
    }
    assert_eq!((&told["state"], &told["log"][0]["kind"]), (&json!("open"), &Value::Null));
    let list = get(&router, "/api/circuits?contains=reading.known").await.json();
    assert!(
        list["circuits"][0].get("log").is_none() && list["circuits"][0].get("history").is_some()
    );
    assert_eq!(
        (&list["version"], &list["controls"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!(true))
    );
    assert!(list["uptime"].is_f64() && list["second"].is_u64() && list["total"].is_u64());
}

#[tokio::test]
async fn h11_what_calls_returned_never_shows() {
    let router = dashboard();
    let secret = circuit("reading.secret");
    let _ = secret.call(|| Err::<(), _>("the password is hunter2"));
    for path in ["/", "/api/circuits", "/api/circuits/reading.secret", "/metrics", "/healthz"] {
        assert!(!get(&router, path).await.text().contains("hunter2"), "{path}");
    }
}

#[tokio::test]
async fn health_is_well_while_circuits_are_open_unless_it_is_strict() {
    let router = dashboard();
    circuit("reading.open").force_open();
    let answer = get(&router, "/healthz").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("ok")));
    assert!(answer.json()["forced_open"].as_u64() >= Some(1));
    for path in ["/healthz?strict", "/healthz?strict=1"] {
        let strict = get(&router, path).await;
        assert_eq!((strict.status.as_u16(), &strict.json()["status"]), (503, &json!("open")));
    }
    assert_eq!(get(&router, "/healthz?strict=false").await.status.as_u16(), 200);
}

#[tokio::test]
async fn metrics_are_prometheus_text_under_either_naming() {
    circuit("reading.metrics");
    let plain = get(&dashboard(), "/metrics").await;
    assert_eq!(plain.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(plain.text().contains("breaker_state{name=\"reading.metrics\",state=\"closed\"} 1\n"));
    let named =
        Dashboard::new().metric_names(breaker_runtime::MetricNames::Resilience4j).into_router();
    let text = get(&named, "/metrics").await;
    assert!(text.text().contains(
        "resilience4j_circuitbreaker_state{name=\"reading.metrics\",state=\"closed\"} 1\n"
    ));
}

#[tokio::test]
async fn a_method_that_a_path_has_not_is_said_to_be_so() {
    let router = dashboard();
    for (method, path) in [
        (Method::POST, "/api/circuits"),
        (Method::DELETE, "/"),
        (Method::PUT, "/api/control"),
        (Method::PUT, "/metrics"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert_eq!(ask(&router, request).await.failure(), 405, "{path}");
    }
    let head = Request::head("/healthz").body(Body::empty()).unwrap();
    assert_eq!(ask(&router, head).await.status.as_u16(), 200);
}

#[tokio::test]
async fn it_can_be_put_at_any_path() {
    let router = Router::new().nest("/ops/breakers", dashboard());
    assert_eq!(
        get(&router, "/ops/breakers").await.headers["content-type"],
        "text/html; charset=utf-8"
    );
    assert_eq!(get(&router, "/ops/breakers/healthz").await.status.as_u16(), 200);
    assert_eq!(get(&router, "/ops/breakers/nothing").await.failure(), 404);
    assert_eq!(get(&router, "/healthz").await.status.as_u16(), 404);
}

#[tokio::test]
async fn with_or_without_a_slash_at_the_end_it_is_the_page() {
    let page = "text/html; charset=utf-8";
    let served = Router::new().nest_service("/breakers", dashboard());
    for path in ["/breakers", "/breakers/"] {
        assert_eq!(get(&served, path).await.headers["content-type"], page, "{path}");
    }
    assert_eq!(get(&served, "/breakers/api/circuits").await.status.as_u16(), 200);
    assert_eq!(get(&served, "/breakers/nothing").await.failure(), 404);
    // `nest` leaves the second to the router around it, and no router can change that from inside.
    let nested = Router::new().nest("/breakers", dashboard());
    assert_eq!(get(&nested, "/breakers").await.headers["content-type"], page);
    assert_eq!(get(&nested, "/breakers/").await.status.as_u16(), 404);
}

#[tokio::test(start_paused = true)]
async fn history_is_kept_from_the_beginning_second_by_second() {
    let circuit = registry().get_or_create("reading.history", Config::new()).unwrap();
    let router = dashboard();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for good in [1, 4, 2] {
        for _ in 0..good {
            circuit.try_acquire().unwrap().success();
        }
        circuit.try_acquire().unwrap().failure();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let told = get(&router, "/api/circuits/reading.history").await.json();
    assert_eq!(
        told["history"],
        json!({ "ok": [1, 4, 2], "failed": [1, 1, 1], "rejected": [0, 0, 0] })
    );
    assert_eq!(told["per_second"], json!(10.0 / 3.0));
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_circuit_tells_its_changes_of_state() {
    let router = dashboard();
    circuit("reading.log").trip();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = get(&router, "/api/circuits/reading.log").await.json()["log"].clone();
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!(
        (&log[0]["kind"], &log[0]["from"], &log[0]["to"]),
        (&json!("transition"), &json!("closed"), &json!("open"))
    );
    assert_eq!(
        (&log[0]["name"], &log[0]["text"]),
        (&json!("reading.log"), &json!("closed -> open: trip()"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_log_ends_with_the_last_change_of_state_however_many_there_were_at_once() {
    let router = dashboard();
    let circuit = circuit("reading.flood");
    (0..1_100).for_each(|_| circuit.reset());
    circuit.trip();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = get(&router, "/api/circuits/reading.flood").await.json()["log"].clone();
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!((&last["to"], &last["sequence"]), (&json!("open"), &json!(1_101)));
    assert_eq!(last["missed"], json!(0));
}

proptest! {
    /// Whatever a client writes into a path or a query: an answer, never a panic.
    #[test]
    fn h01_any_path_and_query_get_an_answer(path in "[a-z0-9%/._~!$&'()*+,;=:@-]{0,60}", query in "[a-z0-9%/._~!$&'()*+,;=:@?-]{0,60}") {
        let text = format!("/{path}?{query}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let router = dashboard();
            let request = Request::get(&text).body(Body::empty()).unwrap();
            assert!(ask(&router, request).await.status.as_u16() < 500);
        });
    }
}

#[tokio::test]
async fn the_page_learns_from_the_table_what_options_there_are() {
    let router = dashboard();
    circuit("options");
    let table = get(&router, "/api/options").await.json();
    let options = table["options"].as_array().unwrap();
    let names: Vec<_> = options.iter().map(|option| option["name"].as_str().unwrap()).collect();
    let shown = get(&router, "/api/circuits/options").await.json();
    let config = shown["config"].as_object().unwrap();
    assert!(config.keys().all(|key| key == "stated" || names.contains(&key.as_str())));
    assert_eq!(names.len() + 1, config.len());
    let cooldown = options.iter().find(|option| option["name"] == "cooldown").unwrap();
    assert_eq!((&cooldown["kind"], &cooldown["default"]), (&json!("duration"), &json!("60s")));
    let page = get(&router, "/").await.text().to_owned();
    for kind in options.iter().map(|option| option["kind"].as_str().unwrap()) {
        assert!(
            page.contains(&format!("{kind}: ")) || page.contains(&format!(" {kind},")),
            "{kind}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_begins_with_the_circuit_that_refuses_most_and_can_be_sorted_by_name() {
    let all = ["reading.sort-a", "reading.sort-b", "reading.sort-c"].map(circuit);
    let router = dashboard();
    sleep(Duration::from_millis(500)).await;
    for (circuit, refused) in all.iter().zip([1, 3, 2]) {
        circuit.trip();
        (0..refused).for_each(|_| assert!(circuit.try_acquire().is_err()));
    }
    sleep(Duration::from_secs(1)).await;
    let names = async |query: &str| {
        let list =
            get(&router, &format!("/api/circuits?contains=reading.sort{query}")).await.json();
        let rows = list["circuits"].as_array().unwrap().iter();
        let names: Vec<_> = rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        (names.join(" ").replace("reading.sort-", ""), list["next"].clone())
    };
    assert_eq!(names("").await.0, "b c a");
    assert_eq!(names("&sort=worst").await.0, "b c a");
    assert_eq!(names("&sort=name").await.0, "a b c");
    for (sort, rest) in [("worst", "c a"), ("name", "b c")] {
        let (_, next) = names(&format!("&sort={sort}&limit=1")).await;
        let next = next.as_str().unwrap();
        assert_eq!(names(&format!("&sort={sort}&after={next}")).await.0, rest);
    }
    assert_eq!(get(&router, "/api/circuits?sort=size").await.failure(), 400);
}
