//! What people see of a fleet, and orders to all of its members.

mod common;

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use breaker_dashboard::Dashboard;
use breaker_runtime::{
    Advice, Advisor, ConfigErrors, FleetStatus, FleetView, Opening, Override, Policy, State,
    registry,
};
use common::{IP, SECRET, ask, circuit, dashboard, get, order, watched};
use serde_json::{Value, json};

/// A fleet that is connected, keeps what it is ordered, and refuses orders about `fleet.refused`.
#[derive(Debug, Default)]
struct Stub {
    orders: Mutex<Vec<String>>,
}

impl Advisor for Stub {
    fn status(&self) -> FleetStatus {
        let mut status = FleetStatus::default();
        "shop".clone_into(&mut status.namespace);
        "redis://redis.internal/".clone_into(&mut status.engine);
        "pid-7-0a1b2c".clone_into(&mut status.member);
        (status.connected, status.members) = (true, 8);
        status
    }

    fn view(&self, circuit: &str, _: Option<Policy>) -> Option<FleetView> {
        let mut view = FleetView::default();
        (view.policy, view.votes, view.needed, view.members) = ("quorum", 2, 3, 8);
        view.prober = Some("pid-9-3d4e5f".to_owned());
        circuit.starts_with("fleet.").then_some(view)
    }

    fn order(
        &self,
        circuit: &str,
        what: Override<'_>,
        limit: Duration,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        if circuit == "fleet.refused" {
            return ConfigErrors::check(["cannot reach the fleet: it is not connected".to_owned()]);
        }
        let order = format!("{circuit}: {what} for {} s by {by}", limit.as_secs());
        self.orders.lock().unwrap().push(order);
        Ok(())
    }
}

/// The fleet that the registry of this process is in.
fn joined() -> &'static Stub {
    static STUB: LazyLock<Arc<Stub>> = LazyLock::new(Arc::default);
    let advisor: Arc<dyn Advisor> = Arc::clone(&STUB) as _;
    registry().attach(&advisor);
    &STUB
}

fn order_of(body: &Value) -> Request<Body> {
    order(body.to_string())
}

fn for_all(name: &str, action: &str, seconds: Option<f64>) -> Request<Body> {
    let order = json!({ "name": name, "action": action, "for": seconds, "all_members": true });
    order_of(&order)
}

/// What those see who have the token.
async fn trusted(router: &axum::Router, path: &str) -> Value {
    let request = Request::get(path).header("host", "localhost:3030");
    let request = request.header("authorization", format!("Bearer {SECRET}"));
    ask(router, request.body(Body::empty()).unwrap()).await.json()
}

#[tokio::test]
async fn f08_every_answer_says_whether_the_fleet_is_connected() {
    joined();
    let router = dashboard();
    for answer in [
        get(&router, "/api/circuits?limit=0").await.json(),
        get(&router, "/api/log").await.json(),
        watched(&router).await,
    ] {
        let fleet = &answer["fleet"];
        assert_eq!(
            (&fleet["namespace"], &fleet["connected"], &fleet["members"]),
            (&json!("shop"), &json!(true), &json!(8))
        );
    }
    assert!(get(&router, "/metrics").await.text().contains("breaker_fleet_members 8\n"));
}

#[tokio::test]
async fn where_the_engine_is_and_which_member_probes_is_told_to_those_who_have_the_token_only() {
    joined();
    circuit("fleet.names");
    let router = dashboard();
    let list = "/api/circuits?name=fleet.names";
    let seen = trusted(&router, list).await;
    assert_eq!(
        (&seen["fleet"]["engine"], &seen["fleet"]["member"]),
        (&json!("redis://redis.internal/"), &json!("pid-7-0a1b2c"))
    );
    assert_eq!(seen["circuits"][0]["fleet"]["prober"], "pid-9-3d4e5f");
    assert_eq!(trusted(&router, "/api/log").await["fleet"]["member"], "pid-7-0a1b2c");

    let stream = watched(&router).await.to_string();
    for text in [
        get(&router, list).await.text(),
        get(&router, "/api/circuits").await.text(),
        get(&router, "/api/circuits/fleet.names").await.text(),
        get(&router, "/api/log").await.text(),
        get(&router, "/metrics").await.text(),
        get(&router, "/healthz").await.text(),
        &stream,
    ] {
        for name in ["redis.internal", "pid-7-0a1b2c", "pid-9-3d4e5f"] {
            assert!(!text.contains(name), "{name} is in {text}");
        }
    }
    let open = Dashboard::new().into_router();
    assert_eq!(get(&open, list).await.json()["fleet"]["engine"], Value::Null);
}

#[tokio::test]
async fn the_stream_says_what_the_fleet_says_about_a_circuit() {
    joined();
    let shared = circuit("fleet.streamed");
    let verdict = Opening::new(Duration::from_secs(1)).votes(3).of_members(8).needed(3);
    shared.advise(Advice::Open(verdict), Duration::from_secs(600));
    shared.advise(Advice::Wait(Duration::from_secs(30)), Duration::from_secs(600));
    circuit("alone");
    let all = watched(&dashboard()).await;
    let row = |name| all["circuits"].as_array().unwrap().iter().find(|row| row["name"] == name);
    let row_of_fleet = row("fleet.streamed").unwrap();
    assert_eq!(
        (&row_of_fleet["fleet"]["votes"], &row_of_fleet["fleet"]["needed"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(row_of_fleet["lease"]["held_by"], "other");
    assert_eq!(row_of_fleet["vetoed"], Value::Null);
    assert_eq!(row("alone").unwrap()["fleet"], Value::Null);
}

#[tokio::test]
async fn f09_an_order_for_all_members_goes_to_the_fleet() {
    let stub = joined();
    let (router, circuit) = (dashboard(), circuit("fleet.ordered"));
    let answer = ask(&router, for_all("fleet.ordered", "force_open", Some(900.0))).await;
    assert_eq!(answer.status.as_u16(), 202, "{}", answer.text());
    assert_eq!(circuit.state(), State::Closed, "the fleet tells this process too");
    let log = answer.json()["log"].clone();
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["action"], &last["for"], &last["all_members"], &last["by"]),
        (&json!("force_open"), &json!(900.0), &json!(true), &json!(IP))
    );
    assert_eq!(last["text"], "force_open for 900 s, all members");

    let body = json!({
        "name": "fleet.ordered", "action": "override", "option": "cooldown", "value": "5s", "for": 60, "all_members": true,
    });
    assert_eq!(ask(&router, order_of(&body)).await.status.as_u16(), 202);
    let orders = stub.orders.lock().unwrap();
    let of_this = orders.iter().filter(|order| order.starts_with("fleet.ordered"));
    let expected = [
        format!("fleet.ordered: mode=forced_open for 900 s by {IP}"),
        format!("fleet.ordered: cooldown=5s for 60 s by {IP}"),
    ];
    assert_eq!(of_this.collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn f09_an_order_that_is_not_for_all_members_changes_this_process_only() {
    let stub = joined();
    let (router, circuit) = (dashboard(), circuit("fleet.here"));
    let body =
        json!({ "name": "fleet.here", "action": "disable", "for": 60, "all_members": false });
    let answer = ask(&router, order_of(&body)).await;
    assert_eq!((answer.status.as_u16(), circuit.state()), (200, State::Disabled));
    assert!(
        answer.json()["log"].as_array().unwrap().iter().all(|it| it.get("all_members").is_none())
    );
    assert!(stub.orders.lock().unwrap().iter().all(|order| !order.starts_with("fleet.here")));
}

#[tokio::test]
async fn f09_an_order_for_all_members_ends_by_itself_within_a_day() {
    let stub = joined();
    let (router, circuit) = (dashboard(), circuit("fleet.limit"));
    for (action, seconds) in [
        ("force_open", None),
        ("force_open", Some(0.0)),
        ("disable", Some(86_401.0)),
        ("reset", None),
        ("trip", None),
        ("end_overrides", Some(60.0)),
    ] {
        let answer = ask(&router, for_all("fleet.limit", action, seconds)).await;
        assert_eq!(answer.failure(), 422, "{action}");
        assert!(answer.text().contains("all_members"), "{}", answer.text());
    }
    let body = json!({ "name": "fleet.limit", "action": "disable", "for": 60, "all_members": 1 });
    assert_eq!(ask(&router, order_of(&body)).await.failure(), 422);
    assert_eq!((circuit.state(), circuit.snapshot().epoch), (State::Closed, 0));
    assert!(stub.orders.lock().unwrap().iter().all(|order| !order.starts_with("fleet.limit")));
    assert_eq!(ask(&router, for_all("fleet.limit", "disable", Some(86_400.0))).await.status, 202);
}

#[tokio::test]
async fn f09_what_the_fleet_refuses_is_answered_as_every_other_mistake() {
    joined();
    let (router, _circuit) = (dashboard(), circuit("fleet.refused"));
    let answer = ask(&router, for_all("fleet.refused", "force_open", Some(60.0))).await;
    assert_eq!(answer.status.as_u16(), 422);
    let mistake = "cannot reach the fleet: it is not connected";
    assert_eq!(answer.json(), json!({ "error": mistake, "errors": [mistake] }));
    let told = get(&router, "/api/circuits/fleet.refused").await.json();
    assert_eq!(told["log"], json!([]), "nothing was ordered");
}
