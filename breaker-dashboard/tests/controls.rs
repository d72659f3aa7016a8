//! Who can switch circuits, how, and what is known of it afterwards.

mod common;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use breaker_dashboard::Dashboard;
use breaker_runtime::{Config, Layer, Mode, Statement, registry};
use breaker_runtime::{Override, State};
use bytes::Bytes;
use common::{IP, SECRET, ask, circuit, dashboard, get, order};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::sleep;

fn body(name: &str, action: &str) -> String {
    json!({ "name": name, "action": action }).to_string()
}

/// The order without that header, or with another value of it.
fn altered(name: &'static str, value: Option<&'static str>, of: &str) -> Request<Body> {
    let mut request = order(body(of, "force_open"));
    request.headers_mut().remove(name);
    if let Some(value) = value {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn each_action_does_what_it_says() {
    let (router, circuit) = (dashboard(), circuit("controls.actions"));
    let steps = [
        ("force_open", State::ForcedOpen),
        ("disable", State::Disabled),
        ("reset", State::Closed),
        ("trip", State::Open),
    ];
    for (action, state) in steps {
        let answer = ask(&router, order(body("controls.actions", action))).await;
        assert_eq!(answer.status.as_u16(), 200);
        assert_eq!(answer.json()["state"], state.as_str());
        assert_eq!(circuit.state(), state);
    }
}

#[tokio::test]
async fn h04_there_are_no_controls_unless_somebody_asked_for_them() {
    let router = Dashboard::new().into_router();
    circuit("controls.off");
    assert_eq!(ask(&router, order(body("controls.off", "force_open"))).await.failure(), 404);
    assert_eq!(circuit("controls.off").state(), State::Closed);
    assert_eq!(get(&router, "/api/circuits").await.json()["controls"], false);
}

#[tokio::test]
async fn h04_nothing_is_switched_without_the_token_or_from_another_site() {
    let (router, guarded) = (dashboard(), circuit("controls.guarded"));
    let of = "controls.guarded";
    let refused = [
        (altered("authorization", None, of), 401),
        (altered("authorization", Some("Bearer "), of), 401),
        (altered("authorization", Some("Bearer a-secret-of-these-test"), of), 401),
        (altered("authorization", Some("Bearer a-secret-of-these-testss"), of), 401),
        (altered("authorization", Some("Basic a-secret-of-these-tests"), of), 401),
        (altered("authorization", Some("a-secret-of-these-tests"), of), 401),
        (altered("x-breaker-control", None, of), 403),
        (altered("origin", Some("https://evil.example"), of), 403),
        (altered("origin", Some("null"), of), 403),
        (altered("origin", Some("http://localhost:9999"), of), 403),
        (altered("sec-fetch-site", Some("cross-site"), of), 403),
        (altered("sec-fetch-site", Some("same-site"), of), 403),
        (altered("host", Some("evil.example"), of), 403),
        (altered("content-type", None, of), 415),
        (altered("content-type", Some("text/plain"), of), 415),
        (altered("content-type", Some("application/x-www-form-urlencoded"), of), 415),
    ];
    for (request, status) in refused {
        let shown = format!("{:?}", request.headers());
        let answer = ask(&router, request).await;
        assert_eq!(answer.failure(), status, "{shown}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
        let mut request = order(body(of, "force_open"));
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(ask(&router, request).await.status.as_u16(), 405, "{method}");
    }
    assert_eq!((guarded.state(), guarded.snapshot().epoch), (State::Closed, 0));

    // As HTTP/2 has it: the host is in the address.
    let mut second = altered("host", None, of);
    *second.uri_mut() = "http://localhost:3030/api/control".parse().unwrap();
    second.headers_mut().insert("origin", HeaderValue::from_static("http://localhost:3031"));
    assert_eq!(ask(&router, second).await.failure(), 403);
    assert_eq!((guarded.state(), guarded.snapshot().epoch), (State::Closed, 0));
    let mut second = altered("host", None, of);
    *second.uri_mut() = "http://localhost:3030/api/control".parse().unwrap();
    second.headers_mut().insert("origin", HeaderValue::from_static("http://localhost:3030"));
    assert_eq!(ask(&router, second).await.status.as_u16(), 200);

    let mut welcome = order(body(of, "force_open"));
    welcome.headers_mut().insert("origin", HeaderValue::from_static("http://localhost:3030"));
    welcome.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    assert_eq!(ask(&router, welcome).await.status.as_u16(), 200);
    assert_eq!(guarded.state(), State::ForcedOpen);
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused_and_changes_nothing() {
    let (router, circuit) = (dashboard(), circuit("controls.sense"));
    let bodies = [
        "",
        "{",
        "[]",
        r#"["controls.sense", "reset", null]"#,
        r#"{"name": "controls.sense"}"#,
        r#"{"action": "reset"}"#,
        r#"{"name": "controls.sense", "action": "close"}"#,
        r#"{"name": "controls.sense", "action": "ForceOpen"}"#,
        r#"{"name": "controls.sense", "action": "force_open", "for": "15m"}"#,
        r#"{"name": "controls.sense", "action": "force_open", "for": 0}"#,
        r#"{"name": "controls.sense", "action": "force_open", "for": -1}"#,
        r#"{"name": "controls.sense", "action": "force_open", "for": 1e300}"#,
        r#"{"name": "controls.sense", "action": "force_open", "for": 2592001}"#,
        r#"{"name": "controls.sense", "action": "trip", "for": 60}"#,
        r#"{"name": "controls.sense", "action": "reset", "for": 60}"#,
        r#"{"name": "controls.sense", "action": "force_open", "url": "http://evil.example"}"#,
        r#"{"name": "controls.sense", "action": "force_open", "action": "reset"}"#,
    ];
    for body in bodies {
        assert_eq!(ask(&router, order(body)).await.failure(), 422, "{body}");
    }
    assert_eq!(ask(&router, order(body("nobody", "reset"))).await.failure(), 404);
    assert_eq!(circuit.snapshot().epoch, 0);
}

#[tokio::test]
async fn h03_a_body_has_at_most_512_kib_also_if_it_never_ends() {
    let (router, large) = (dashboard(), circuit("controls.large"));
    let padded = |bytes: usize| {
        let order = body("controls.large", "force_open");
        format!("{order}{}", " ".repeat(bytes - order.len()))
    };
    assert_eq!(ask(&router, order(padded((512 << 10) + 1))).await.failure(), 413);
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1024])));
    assert_eq!(ask(&router, order(Body::from_stream(endless))).await.failure(), 413);
    assert_eq!(large.state(), State::Closed);
    assert_eq!(ask(&router, order(padded(512 << 10))).await.status.as_u16(), 200);
}

#[tokio::test(start_paused = true)]
async fn h03_a_body_that_does_not_come_is_given_up() {
    let router = dashboard();
    let never = stream::pending::<Result<Bytes, Infallible>>();
    assert_eq!(ask(&router, order(Body::from_stream(never))).await.failure(), 408);
}

fn for_seconds(name: &str, action: &str, seconds: f64) -> Request<Body> {
    order(json!({ "name": name, "action": action, "for": seconds }).to_string())
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_for_a_time_is_reset_after_it() {
    let (router, circuit) = (dashboard(), circuit("controls.time"));
    let told = ask(&router, for_seconds("controls.time", "force_open", 900.0)).await.json();
    assert_eq!(
        told["override"],
        json!({ "mode": "forced_open", "left": 900.0, "then": "normal", "by": IP, "number": 1 })
    );
    sleep(Duration::from_secs(899)).await;
    assert_eq!(circuit.state(), State::ForcedOpen);
    let left = &get(&router, "/api/circuits/controls.time").await.json()["override"]["left"];
    assert!((left.as_f64().unwrap() - 1.0).abs() < 0.1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(get(&router, "/api/circuits/controls.time").await.json()["override"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_switched_since_is_left_alone() {
    let router = dashboard();
    // By the program.
    let own = circuit("controls.own");
    ask(&router, for_seconds("controls.own", "disable", 60.0)).await;
    own.reset();
    own.force_open();
    let ordered = get(&router, "/api/circuits/controls.own").await.json()["override"].clone();
    assert_eq!((&ordered["left"], &ordered["number"]), (&Value::Null, &json!(3)));
    // For good, which changes no state and no epoch.
    let good = circuit("controls.good");
    ask(&router, for_seconds("controls.good", "force_open", 60.0)).await;
    ask(&router, order(body("controls.good", "force_open"))).await;
    // For longer.
    let longer = circuit("controls.longer");
    ask(&router, for_seconds("controls.longer", "force_open", 60.0)).await;
    ask(&router, for_seconds("controls.longer", "force_open", 120.0)).await;
    sleep(Duration::from_secs(61)).await;
    for circuit in [&own, &good, &longer] {
        assert_eq!(circuit.state(), State::ForcedOpen, "{}", circuit.name());
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!((good.state(), longer.state()), (State::ForcedOpen, State::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_for_a_time_is_reset_also_if_the_dashboard_is_gone() {
    let router = dashboard();
    let circuit = circuit("controls.gone");
    ask(&router, for_seconds("controls.gone", "force_open", 5.0)).await;
    drop(router);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn every_use_is_in_the_log_with_the_address_of_the_client() {
    let router = dashboard();
    circuit("controls.log");
    ask(&router, for_seconds("controls.log", "disable", 60.0)).await;
    let log = get(&router, "/api/circuits/controls.log").await.json()["log"].clone();
    assert_eq!(log[1]["by"], Value::Null, "that is for those who have the token");
    let trusted = async |path: &str| {
        let request = Request::get(path).header("host", "localhost:3030");
        let request = request.header("authorization", format!("Bearer {SECRET}"));
        ask(&router, request.body(Body::empty()).unwrap()).await.json()["log"].clone()
    };
    let log = trusted("/api/circuits/controls.log").await;
    let kinds: Vec<_> = log.as_array().unwrap().iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["transition", "control"]);
    let control = &log[1];
    assert_eq!(
        (&control["action"], &control["for"], &control["by"]),
        (&json!("disable"), &json!(60.0), &json!(IP))
    );
    assert_eq!(control["text"], "disable for 60 s");
    let list = trusted("/api/circuits?limit=0").await;
    assert_eq!(list.as_array().unwrap().last(), Some(control));
}

#[tokio::test(start_paused = true)]
async fn r34_a_permanent_order_that_repeats_the_state_outlives_the_timed_one_before_it() {
    let (router, other) = (dashboard(), dashboard());
    // By the program: no change of state, and so no new epoch.
    let own = circuit("controls.repeated");
    ask(&router, for_seconds("controls.repeated", "force_open", 60.0)).await;
    own.force_open();
    // By a second dashboard.
    let second = circuit("controls.second");
    ask(&router, for_seconds("controls.second", "disable", 60.0)).await;
    ask(&other, order(body("controls.second", "disable"))).await;
    sleep(Duration::from_secs(61)).await;
    assert_eq!((own.state(), second.state()), (State::ForcedOpen, State::Disabled));
}

#[test]
fn r34_a_timed_order_ends_though_the_runtime_it_was_given_in_is_gone() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    let circuit = circuit("controls.runtime");
    let first = runtime();
    first.block_on(async {
        let router = dashboard();
        ask(&router, for_seconds("controls.runtime", "force_open", 60.0)).await;
    });
    drop(first);
    assert_eq!(circuit.state(), State::ForcedOpen);
    runtime().block_on(async {
        sleep(Duration::from_secs(120)).await;
        assert_eq!(circuit.state(), State::Closed);
    });
}

#[tokio::test(start_paused = true)]
async fn r34_a_timed_order_does_not_keep_its_circuit() {
    let router = dashboard();
    let circuit = circuit("controls.kept");
    let held = std::sync::Arc::strong_count(&circuit);
    for _ in 0..100 {
        ask(&router, for_seconds("controls.kept", "force_open", 3600.0)).await;
    }
    // Those that look at the circuits of other tests hold each for a moment.
    assert!(std::sync::Arc::strong_count(&circuit) < held + 100);
}

/// What those see who have the token.
async fn trusted(router: &axum::Router, path: &str) -> Value {
    let request = Request::get(path).header("host", "localhost:3030");
    let request = request.header("authorization", format!("Bearer {SECRET}"));
    ask(router, request.body(Body::empty()).unwrap()).await.json()
}

fn option(name: &str, option: &str, value: &str, seconds: Option<f64>) -> Request<Body> {
    let order = json!({
        "name": name, "action": "override", "option": option, "value": value, "for": seconds,
    });
    order_of(&order)
}

fn order_of(body: &Value) -> Request<Body> {
    order(body.to_string())
}

#[tokio::test(start_paused = true)]
async fn r34_an_option_is_overridden_for_a_time() {
    let (router, circuit) = (dashboard(), circuit("controls.option"));
    let told = ask(&router, option("controls.option", "cooldown", " 5s ", Some(900.0))).await;
    assert_eq!(told.status.as_u16(), 200, "{}", told.text());
    let told = told.json();
    assert_eq!(
        (&told["config"]["cooldown"], &told["sources"]["failure_threshold"]),
        (&json!(5.0), &json!("code"))
    );
    assert_eq!(told["sources"]["cooldown"], format!("override by {IP}"));
    assert_eq!(
        told["overrides"],
        json!([{ "option": "cooldown", "value": "5s", "by": IP, "left": 900.0 }])
    );
    let last = told["log"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (
            &last["kind"],
            &last["action"],
            &last["option"],
            &last["value"],
            &last["for"],
            &last["by"]
        ),
        (
            &json!("control"),
            &json!("override"),
            &json!("cooldown"),
            &json!("5s"),
            &json!(900.0),
            &json!(IP)
        )
    );
    assert_eq!(last["text"], "override cooldown=5s for 900 s");
    sleep(Duration::from_secs(901)).await;
    let told = get(&router, "/api/circuits/controls.option").await.json();
    assert_eq!((&told["config"]["cooldown"], &told["overrides"]), (&json!(60.0), &json!([])));
    assert_eq!(circuit.snapshot().epoch, 0, "nothing else has changed");
}

#[tokio::test]
async fn r34_overrides_of_options_end_when_somebody_ends_them() {
    let (router, circuit) = (dashboard(), circuit("controls.ends"));
    ask(&router, option("controls.ends", "cooldown", "5s", None)).await;
    ask(&router, option("controls.ends", "failure_threshold", "off", None)).await;
    assert_eq!(circuit.snapshot().overrides.len(), 2);
    let told = ask(&router, order(body("controls.ends", "end_overrides"))).await.json();
    assert_eq!((&told["overrides"], &told["config"]["failure_threshold"]), (&json!([]), &json!(2)));
    assert_eq!(told["log"].as_array().unwrap().last().unwrap()["action"], "end_overrides");
}

#[tokio::test]
async fn every_mistake_in_an_option_is_answered_and_nothing_changes() {
    let (router, circuit) = (dashboard(), circuit("controls.mistakes"));
    let mistakes = [
        ("cooldwon", "5s", "unknown option `cooldwon`; did you mean `cooldown`?"),
        ("cooldown", "5", "`cooldown` needs a unit: write `\"5s\"` or `\"5ms\"`"),
        ("failure_if", "x", "`failure_if` is code, so it can only be set in the attribute"),
        ("slow_call_rate", "0.5", "`slow_call_rate` needs `slow_call`"),
    ];
    for (name, value, mistake) in mistakes {
        let answer = ask(&router, option("controls.mistakes", name, value, Some(60.0))).await;
        let told = answer.json();
        assert_eq!(answer.status.as_u16(), 422, "{told}");
        assert!(told["error"].as_str().unwrap().contains(mistake), "{told}");
        assert_eq!(told["errors"], json!([told["error"]]));
    }
    let unfit = [
        json!({ "name": "controls.mistakes", "action": "override" }),
        json!({ "name": "controls.mistakes", "action": "override", "option": "cooldown" }),
        json!({ "name": "controls.mistakes", "action": "override", "value": "5s" }),
        json!({ "name": "controls.mistakes", "action": "override", "option": "cooldown", "value": 5 }),
        json!({ "name": "controls.mistakes", "action": "override", "option": "cooldown", "value": "5s", "for": 0 }),
        json!({ "name": "controls.mistakes", "action": "trip", "option": "cooldown" }),
        // It would be a number, were it not that long.
        json!({ "name": "controls.mistakes", "action": "override", "option": "failure_threshold", "value": format!("{}5", "0".repeat(128)) }),
        json!({ "name": "controls.mistakes", "action": "reset", "value": "5s" }),
        json!({ "name": "controls.mistakes", "action": "end_overrides", "for": 60 }),
    ];
    for body in unfit {
        assert_eq!(ask(&router, order_of(&body)).await.failure(), 422, "{body}");
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.overrides.len(), snapshot.epoch), (0, 0));
    assert_eq!(ask(&router, option("nobody", "cooldown", "5s", None)).await.failure(), 404);
}

#[tokio::test(start_paused = true)]
async fn r25_a_circuit_is_observed_for_a_time() {
    let (router, circuit) = (dashboard(), circuit("controls.observe"));
    circuit.trip();
    let told = ask(&router, for_seconds("controls.observe", "observe", 60.0)).await.json();
    assert_eq!((&told["state"], &told["mode"]), (&json!("open"), &json!("observe")));
    assert_eq!(told["override"]["mode"], "observe");
    circuit.try_acquire().unwrap().success();
    let told = get(&router, "/api/circuits/controls.observe").await.json();
    assert_eq!(told["would_reject"]["open"], 1);
    sleep(Duration::from_secs(61)).await;
    assert_eq!(circuit.snapshot().mode, Mode::Normal);
}

#[tokio::test]
async fn r25_a_reset_leaves_a_circuit_observed_whose_settings_say_so() {
    let router = dashboard();
    let config = Config::new().failure_threshold(1).mode(Mode::Observe);
    let circuit = registry().get_or_create("controls.adopted", config).unwrap();
    circuit.try_acquire().unwrap().failure();
    let told = ask(&router, order(body("controls.adopted", "reset"))).await.json();
    assert_eq!((&told["state"], &told["mode"]), (&json!("closed"), &json!("observe")));
}

#[tokio::test]
async fn who_overrode_an_option_is_told_to_those_who_have_the_token_only() {
    let router = dashboard();
    let circuit = circuit("controls.who");
    circuit.override_for(Override::Option("failure_threshold", "4"), None, "198.51.100.9").unwrap();
    circuit.override_for(Override::Option("cooldown", "5s"), None, "198.51.100.9").unwrap();
    circuit.trip();
    while trusted(&router, "/api/circuits/controls.who").await["log"].as_array().unwrap().len() < 3
    {
        sleep(Duration::from_millis(20)).await;
    }
    let seen = trusted(&router, "/api/circuits/controls.who").await;
    assert_eq!(seen["sources"]["cooldown"], "override by 198.51.100.9");
    let explained = seen["explanation"].as_str().unwrap();
    assert!(explained.ends_with(" (override by 198.51.100.9)"), "{explained}");
    assert_eq!(seen["sentence"], explained.replace(" by 198.51.100.9", ""));
    let changed = &seen["log"][0];
    assert_eq!(
        (&changed["kind"], &changed["changes"][0]["option"]),
        (&json!("reconfigured"), &json!("failure_threshold"))
    );
    assert_eq!(changed["changes"][0]["new_source"], "override by 198.51.100.9");

    let public = get(&router, "/api/circuits/controls.who").await;
    assert_eq!(public.json()["sources"]["cooldown"], "override");
    assert_eq!(public.json()["log"][0]["changes"][0]["new_source"], "override");
    let list = get(&router, "/api/circuits?name=controls.who").await;
    let log = get(&router, "/api/log").await;
    let stream = common::watched(&router).await.to_string();
    for text in [public.text(), list.text(), log.text(), stream.as_str()] {
        assert!(text.contains("controls.who") && !text.contains("198.51.100.9"), "{text}");
    }
    let row = |text: &str| text.contains("\"overridden\":2");
    assert!(row(&stream));
}

#[tokio::test]
async fn settings_that_were_refused_are_in_every_answer_until_they_are_right() {
    let router = dashboard();
    let mistake = "breaker.toml:3:12: `cooldown` needs a unit <b>".to_owned();
    registry().refuse(Layer::File, vec![mistake.clone()]);
    for path in ["/api/circuits?limit=0", "/api/log"] {
        assert_eq!(get(&router, path).await.json()["refused"], json!([mistake]), "{path}");
    }
    assert_eq!(common::watched(&router).await["refused"], json!([mistake]));
    let right = Statement::new("later", "cooldown", "5s", "breaker.toml:3").may_be_unknown();
    registry().apply(Layer::File, vec![right]).unwrap();
    assert_eq!(get(&router, "/api/log").await.json()["refused"], json!([]));
}

#[tokio::test]
async fn an_order_is_an_object_and_its_words_are_strings() {
    let (router, circuit) = (dashboard(), circuit("controls.array"));
    let bodies = [
        r#"["controls.array", "force_open", null]"#,
        r#" [ "controls.array", "force_open", 60 ] "#,
        r#"{"name": "controls.array", "action": {"force_open": null}}"#,
    ];
    for body in bodies {
        assert_eq!(ask(&router, order(body)).await.failure(), 422, "{body}");
    }
    assert_eq!(circuit.state(), State::Closed);
    let spaced = "\r\n\t {\"name\": \"controls.array\", \"action\": \"trip\"} ";
    assert_eq!(ask(&router, order(spaced)).await.status.as_u16(), 200);
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_told_which_field_is_wrong_and_what_it_expects() {
    let (router, circuit) = (dashboard(), circuit("controls.fields"));
    let actions = "force_open, disable, observe, reset, trip, override, end_overrides, undo";
    for (body, mistake) in [
        ("[]", "the body must be a JSON object".to_owned()),
        ("{", "the body must be a JSON object".to_owned()),
        (
            r#"{"name": "controls.fields"}"#,
            format!("`action` is missing: it must be one of {actions}"),
        ),
        (r#"{"name": 5, "action": "trip"}"#, "`name` must be a text".to_owned()),
        (
            r#"{"name": "controls.fields", "action": "close"}"#,
            format!("`action` must be one of {actions}"),
        ),
        (r#"{"names": ["a", 5], "action": "trip"}"#, "`names` must be a list of texts".to_owned()),
        (
            r#"{"name": "a", "action": "disable", "for": "15m"}"#,
            "`for` must be a number of seconds".to_owned(),
        ),
        (
            r#"{"name": "a", "action": "disable", "all_members": null}"#,
            "`all_members` must be true or false".to_owned(),
        ),
        (
            r#"{"name": "a", "action": "trip", "action": "trip"}"#,
            "a field must not be given twice".to_owned(),
        ),
        (
            r#"{"action": "trip"}"#,
            "an order needs either `name`, a circuit, or `names`, a list of circuits".to_owned(),
        ),
        (
            r#"{"name": "a", "undo": "b", "action": "trip"}"#,
            "`undo` is only for the action undo".to_owned(),
        ),
        (
            r#"{"name": "controls.fields", "action": "undo"}"#,
            "the action undo needs `undo`, the token of an order, and takes only `reason` besides"
                .to_owned(),
        ),
        (
            r#"{"name": "controls.fields", "action": "override", "value": "5s"}"#,
            "the action override needs `option` and `value`, both as texts".to_owned(),
        ),
        (
            r#"{"name": "controls.fields", "action": "trip", "value": "5s"}"#,
            "`option` and `value` are only for the action override".to_owned(),
        ),
    ] {
        let answer = ask(&router, order(body.to_owned())).await;
        assert_eq!((answer.failure(), &answer.json()["error"]), (422, &json!(mistake)), "{body}");
    }
    let long = json!({ "name": "controls.fields", "action": "trip", "u".repeat(9_000): 1 });
    let answer = ask(&router, order_of(&long)).await;
    assert!(answer.json()["error"].as_str().unwrap().starts_with(&format!(
        "{:?} is not a field; the fields are `name`, `names`,",
        "u".repeat(40)
    )));
    assert_eq!(circuit.snapshot().epoch, 0);
}

#[tokio::test]
async fn f09_without_a_fleet_there_are_no_members_to_order() {
    let (router, circuit) = (dashboard(), circuit("controls.alone"));
    let body =
        json!({ "name": "controls.alone", "action": "disable", "for": 60, "all_members": true });
    let answer = ask(&router, order_of(&body)).await;
    assert_eq!(answer.failure(), 422);
    assert_eq!(answer.json()["error"], "this process is in no fleet");
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(get(&router, "/api/circuits?limit=0").await.json()["fleet"], Value::Null);
}

fn undo(token: &Value) -> Request<Body> {
    order_of(&json!({ "action": "undo", "undo": token }))
}

#[tokio::test(start_paused = true)]
async fn a_reason_is_shown_and_kept_short() {
    let router = dashboard();
    circuit("controls.reason");
    let with = |reason: &str| {
        order_of(&json!({ "name": "controls.reason", "action": "disable", "reason": reason }))
    };
    assert_eq!(ask(&router, with(&"ü".repeat(201))).await.failure(), 422);
    assert_eq!(ask(&router, with(" the database moves ")).await.status.as_u16(), 200);
    let log = get(&router, "/api/circuits/controls.reason").await.json()["log"].clone();
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!((&last["reason"], &last["text"]), (&json!("the database moves"), &json!("disable")));
    let row = common::watched(&router).await["circuits"].clone();
    let row = row
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "controls.reason")
        .unwrap()
        .clone();
    assert_eq!(row["override_reason"], "the database moves");
    let none = ask(&router, with("  ")).await.json()["log"].clone();
    assert!(none.as_array().unwrap().last().unwrap().get("reason").is_none());
}

#[tokio::test(start_paused = true)]
async fn one_order_is_about_many_circuits_and_says_which_it_could_not_switch() {
    let router = dashboard();
    let all = ["controls.many-a", "controls.many-b"].map(circuit);
    let body = json!({
        "names": ["controls.many-b", "nobody", "controls.many-a", "controls.many-a"],
        "action": "force_open", "for": 60, "reason": "the region is down",
    });
    let answer = ask(&router, order_of(&body)).await;
    assert_eq!(answer.status.as_u16(), 200);
    let told = answer.json();
    assert_eq!(told["done"], 2);
    assert_eq!(
        told["failed"],
        json!([{ "name": "nobody", "error": "there is no circuit of that name" }])
    );
    assert!(all.iter().all(|circuit| circuit.state() == State::ForcedOpen));
    for circuit in &all {
        let log =
            get(&router, &format!("/api/circuits/{}", circuit.name())).await.json()["log"].clone();
        let kinds: Vec<_> = log.as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
        assert_eq!(kinds, ["transition", "control"]);
        assert_eq!((&log[1]["name"], &log[1]["circuits"]), (&json!("*"), &json!(2)));
    }
    let undone = ask(&router, undo(&told["undo"])).await.json();
    assert_eq!(undone, json!({ "done": 2, "failed": [], "undo": null }));
    assert!(all.iter().all(|circuit| circuit.state() == State::Closed));

    let names: Vec<_> = (0..1_001).map(|number| number.to_string()).collect();
    for names in [json!([]), json!(names), json!("controls.many-a"), json!([1])] {
        let body = json!({ "names": names, "action": "reset" });
        assert_eq!(ask(&router, order_of(&body)).await.failure(), 422);
    }
    let both = json!({ "name": "controls.many-a", "names": ["controls.many-b"], "action": "trip" });
    assert_eq!(ask(&router, order_of(&both)).await.failure(), 422);
    let unfit = json!({ "names": ["controls.many-a"], "action": "override" });
    assert_eq!(ask(&router, order_of(&unfit)).await.failure(), 422);
    assert!(all.iter().all(|circuit| circuit.state() == State::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_order_can_be_taken_back_for_ten_seconds_and_once() {
    let (router, circuit) = (dashboard(), circuit("controls.undo"));
    let told = ask(&router, for_seconds("controls.undo", "force_open", 60.0)).await.json();
    sleep(Duration::from_secs(9)).await;
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["done"], 1);
    assert_eq!((circuit.state(), circuit.snapshot().mode_override), (State::Closed, None));
    assert_eq!(ask(&router, undo(&told["undo"])).await.failure(), 410);
    let log = get(&router, "/api/circuits/controls.undo").await.json()["log"].clone();
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["action"], &last["text"]),
        (&json!("undo"), &json!("undo force_open for 60 s"))
    );

    let told = ask(&router, for_seconds("controls.undo", "force_open", 60.0)).await.json();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(ask(&router, undo(&told["undo"])).await.failure(), 410);
    assert_eq!(circuit.state(), State::ForcedOpen);
    let reset = ask(&router, order(body("controls.undo", "reset"))).await.json();
    assert_eq!(reset["undo"], Value::Null, "nobody knows the counts from before");
    assert_eq!(ask(&router, undo(&json!("a guess"))).await.failure(), 410);
    let unfit = json!({ "name": "controls.undo", "action": "undo", "undo": "a guess" });
    assert_eq!(ask(&router, order_of(&unfit)).await.failure(), 422);
}

#[tokio::test(start_paused = true)]
async fn what_stood_before_an_order_stands_again_after_it_is_taken_back() {
    let (router, circuit) = (dashboard(), circuit("controls.before"));
    let standing = || {
        let order = circuit.snapshot().mode_override;
        order.map(|order| (order.mode, order.left.map(|left| left.as_secs()), order.then))
    };
    circuit.override_for(Override::Mode(Mode::Observe), None, "").unwrap();
    ask(&router, for_seconds("controls.before", "disable", 60.0)).await;
    let told = ask(&router, order(body("controls.before", "force_open"))).await.json();
    assert_eq!(standing(), Some((Mode::ForcedOpen, None, None)));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["done"], 1);
    assert_eq!(standing(), Some((Mode::Disabled, Some(55), Some(Mode::Observe))));

    circuit.reset();
    circuit.trip();
    let told = ask(&router, for_seconds("controls.before", "disable", 60.0)).await.json();
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["done"], 1);
    assert_eq!((circuit.state(), standing()), (State::Open, None), "it was open");

    circuit.reset();
    let told = ask(&router, order(body("controls.before", "trip"))).await.json();
    assert_eq!(circuit.state(), State::Open);
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["done"], 1);
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn overrides_of_options_are_taken_back_one_by_one() {
    let (router, circuit) = (dashboard(), circuit("controls.options"));
    let cooldown = || circuit.snapshot().config.settings().cooldown.as_secs();
    let give = async |value: &str, seconds| {
        let told = ask(&router, option("controls.options", "cooldown", value, seconds)).await;
        told.json()["undo"].clone()
    };
    let first = give("5s", Some(60.0)).await;
    let second = give("7s", None).await;
    assert_eq!(ask(&router, undo(&first)).await.json()["done"], 0, "a later one stands");
    sleep(Duration::from_secs(4)).await;
    assert_eq!(ask(&router, undo(&second)).await.json()["done"], 1);
    assert_eq!(cooldown(), 5);
    let left = circuit.snapshot().overrides[0].left.unwrap();
    assert_eq!(left, Duration::from_secs(56));

    let told = ask(&router, order(body("controls.options", "end_overrides"))).await.json();
    assert_eq!(cooldown(), 60);
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["done"], 1);
    assert_eq!(cooldown(), 5);
    circuit.end_overrides();
    let only = give("9s", None).await;
    assert_eq!(ask(&router, undo(&only)).await.json()["done"], 1);
    sleep(Duration::from_millis(1)).await;
    assert_eq!((cooldown(), circuit.snapshot().overrides.len()), (60, 0));
}

#[tokio::test(start_paused = true)]
async fn an_order_is_not_taken_back_if_somebody_ordered_something_since() {
    let (router, circuit) = (dashboard(), circuit("controls.since"));
    let refused = json!([{
        "name": "controls.since", "error": "a later order replaced it, or it has ended",
    }]);
    // By the program.
    let told = ask(&router, order(body("controls.since", "force_open"))).await.json();
    circuit.force_open();
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["failed"], refused);
    assert_eq!(circuit.state(), State::ForcedOpen);
    // About something else.
    let told = ask(&router, order(body("controls.since", "disable"))).await.json();
    ask(&router, option("controls.since", "cooldown", "5s", None)).await;
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["failed"], refused);
    assert_eq!(circuit.state(), State::Disabled);
    // It ended by itself.
    let told = ask(&router, for_seconds("controls.since", "force_open", 1.0)).await.json();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(ask(&router, undo(&told["undo"])).await.json()["failed"], refused);
}
