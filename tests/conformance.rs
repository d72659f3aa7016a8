//! Replays `conformance/visible.json`, `conformance/fleet.json` and `conformance/recovery.json`: sequences of
//! operations on one circuit and what must be seen after each of them. Nothing in a vector is skipped in silence: an
//! unknown word fails it.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{
    Advice, Advised, CallError, CircuitBreaker, Clock, Config, ConfigError, EventKind, Lease,
    ManualClock, Mode, Opening, Permit, Rejected, Snapshot, registry, testing,
};
use serde_json::{Map, Value, json};

const VECTORS: usize = 305;
const FLEET_VECTORS: usize = 39;
const RECOVERY_VECTORS: usize = 48;

type Object = Map<String, Value>;
type Make = fn(&str, Config, Clock) -> Result<Arc<CircuitBreaker>, ConfigError>;

#[test]
fn every_vector_sees_what_it_expects() {
    let make: Make =
        |name, config, clock| CircuitBreaker::with_clock(name, config, clock).map(Arc::new);
    assert_eq!(replay_all(include_str!("conformance/visible.json"), make), VECTORS);
}

#[test]
fn f04_f05_f06_every_vector_of_a_fleet_sees_what_it_expects() {
    // Only a circuit of a registry has listeners, who hear that it asks the fleet to probe.
    let make: Make = |name, config, _| registry().get_or_create(name, config);
    assert_eq!(replay_all(include_str!("conformance/fleet.json"), make), FLEET_VECTORS);
}

#[test]
fn r26_r27_r28_every_vector_of_hung_calls_and_recoveries_sees_what_it_expects() {
    // Only a circuit of a registry tells why it changed its state.
    let make: Make = |name, config, _| registry().get_or_create(name, config);
    assert_eq!(replay_all(include_str!("conformance/recovery.json"), make), RECOVERY_VECTORS);
}

/// Returns how many vectors there are.
fn replay_all(text: &str, make: Make) -> usize {
    let vectors: Vec<Object> = serde_json::from_str(text).expect("the vectors are objects");
    let failed: Vec<_> = vectors.iter().filter_map(|vector| replay(vector, make).err()).collect();
    println!("{} passed, {} failed", vectors.len() - failed.len(), failed.len());
    assert!(failed.is_empty(), "{} vectors failed:\n{}", failed.len(), failed.join("\n"));
    vectors.len()
}

/// Replays one vector. The error says which, where, and what was seen instead.
fn replay(vector: &Object, make: Make) -> Result<(), String> {
    const FIELDS: [&str; 12] = [
        "id",
        "source",
        "rules",
        "config",
        "name",
        "clock_start_ns",
        "steps",
        "config_error",
        "config_error_field",
        "removed_fields",
        "assumes",
        "note",
    ];
    let id = text(vector, "id");
    let problem = |place: &str, problem: String| format!("  {id}, {place}: {problem}");

    if let Some(unknown) = vector.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(problem("vector", format!("unknown field {unknown:?}")));
    }
    let config = config(&vector["config"]).map_err(|error| problem("config", error))?;
    let clock = ManualClock::new();
    if let Some(start) = vector.get("clock_start_ns") {
        clock.advance(duration(start));
    }
    let name = vector.get("name").map_or("conformance", |name| name.as_str().unwrap());
    let _isolated = testing::isolate_with(Clock::Manual(clock.clone()));
    let told = Arc::<Mutex<Told>>::default();
    let sink = Arc::clone(&told);
    let _listening =
        registry().subscribe_to_changes(move |event| sink.lock().unwrap().hear(&event.kind));
    let answer = make(name, config, Clock::Manual(clock.clone()));
    let refusal_expected = vector.get("config_error") == Some(&Value::Bool(true));
    let circuit = match answer {
        Ok(_) if refusal_expected => {
            return Err(problem("config", "expected a ConfigError, got a circuit".to_owned()));
        }
        Ok(circuit) => circuit,
        Err(error) if refusal_expected => {
            let field = vector.get("config_error_field").map_or("", |it| it.as_str().unwrap());
            let named = error.to_string().contains(field);
            let complaint = || problem("config", format!("{error} does not name {field:?}"));
            return if named { Ok(()) } else { Err(complaint()) };
        }
        Err(error) => return Err(problem("config", format!("unexpected: {error}"))),
    };

    let mut replay = Replay {
        circuit: &circuit,
        clock,
        first_epoch: circuit.snapshot().epoch,
        asked: 0,
        permits: HashMap::new(),
        told,
    };
    for (at, step) in vector["steps"].as_array().expect("steps are a list").iter().enumerate() {
        let step = step.as_object().expect("a step is an object");
        let place = format!("step {at} ({})", text(step, "op"));
        replay.step(step).map_err(|error| problem(&place, error))?;
    }
    Ok(())
}

struct Replay<'a> {
    circuit: &'a CircuitBreaker,
    clock: ManualClock,
    first_epoch: u64,
    asked: u64,
    permits: HashMap<String, Permit<'a>>,
    told: Arc<Mutex<Told>>,
}

/// What a listener of a circuit in a registry has heard so far.
#[derive(Default)]
struct Told {
    cause: Option<&'static str>,
    probe_wanted: u64,
}

impl Told {
    fn hear(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Transition(transition) => self.cause = Some(transition.cause.as_str()),
            EventKind::ProbeWanted => self.probe_wanted += 1,
            _ => {}
        }
    }
}

/// What an operation returned.
enum Answer {
    /// Of an `acquire` or a `call`.
    Admission(Result<(), Rejected>),
    /// Of an `advise`.
    Advised(Advised),
    None,
}

impl<'a> Replay<'a> {
    fn step(&mut self, step: &Object) -> Result<(), String> {
        let times = step.get("times").map_or(1, |times| times.as_u64().unwrap());
        let mut answer = Answer::None;
        for _ in 0..times {
            answer = self.act(step)?;
        }
        let snapshot = self.circuit.snapshot();
        self.check_invariants(&snapshot)?;
        let expected = step.get("expect").map(|it| it.as_object().expect("an object"));
        for (field, expected) in expected.into_iter().flatten() {
            self.check(field, expected, &answer, &snapshot)?;
        }
        Ok(())
    }

    fn act(&mut self, step: &Object) -> Result<Answer, String> {
        let op = text(step, "op");
        let arguments: &[&str] = match op {
            "acquire" | "success" | "failure" | "ignore" | "drop" | "unwind" => &["token"],
            "failure_for" => &["token", "open_for_ns"],
            "reconfigure" => &["config"],
            "call" => &["outcome", "takes_ns"],
            "advance_ns" => &["arg"],
            "trip" | "force_open" | "disable" | "reset" | "check" => &[],
            "advise" => arguments_of_advice(text(step, "advice"))?,
            unknown => return Err(format!("unknown op {unknown:?}")),
        };
        for key in step.keys().map(String::as_str) {
            if !["op", "expect", "times"].contains(&key) && !arguments.contains(&key) {
                return Err(format!("unknown argument {key:?}"));
            }
        }
        match op {
            "acquire" => return self.acquire(text(step, "token")),
            "call" => return self.call(step).map(Answer::Admission),
            "advise" => {
                let advised = self.circuit.advise(advice(step), duration(&step["trusted_ns"]));
                return Ok(Answer::Advised(advised));
            }
            "success" => self.permit(step)?.success(),
            "failure" => self.permit(step)?.failure(),
            "failure_for" => self.permit(step)?.failure_for(duration(&step["open_for_ns"])),
            "reconfigure" => {
                let config = config(&step["config"])?;
                self.circuit.reconfigure(config).map_err(|error| error.to_string())?;
            }
            "ignore" => self.permit(step)?.ignore(),
            "drop" => drop(self.permit(step)?),
            "unwind" => {
                let permit = self.permit(step)?;
                let unwound = panic::catch_unwind(AssertUnwindSafe(move || {
                    let _held = permit;
                    panic::resume_unwind(Box::new("unwound by the vector"));
                }));
                assert!(unwound.is_err());
            }
            "advance_ns" => self.clock.advance(duration(&step["arg"])),
            "trip" => self.circuit.trip(),
            "force_open" => self.circuit.force_open(),
            "disable" => self.circuit.disable(),
            "reset" => self.circuit.reset(),
            _ => {}
        }
        Ok(Answer::None)
    }

    fn acquire(&mut self, token: &str) -> Result<Answer, String> {
        if self.permits.contains_key(token) {
            return Err(format!("token {token:?} is taken"));
        }
        self.asked += 1;
        Ok(Answer::Admission(self.circuit.try_acquire().map(|permit| {
            self.permits.insert(token.to_owned(), permit);
        })))
    }

    fn permit(&mut self, step: &Object) -> Result<Permit<'a>, String> {
        let token = text(step, "token");
        self.permits.remove(token).ok_or_else(|| format!("no permit under token {token:?}"))
    }

    fn call(&mut self, step: &Object) -> Result<Result<(), Rejected>, String> {
        let outcome = text(step, "outcome");
        if !["success", "failure", "panic"].contains(&outcome) {
            return Err(format!("unknown outcome {outcome:?}"));
        }
        let takes = step.get("takes_ns").map_or(Duration::ZERO, duration);
        self.asked += 1;
        let called = panic::catch_unwind(AssertUnwindSafe(|| {
            self.circuit.call(|| {
                self.clock.advance(takes);
                match outcome {
                    "success" => Ok(()),
                    "failure" => Err(()),
                    _ => panic::resume_unwind(Box::new("panicked by the vector")),
                }
            })
        }));
        match called {
            Ok(Err(CallError::Rejected(rejected))) => Ok(Err(rejected)),
            Ok(Ok(())) if outcome == "success" => Ok(Ok(())),
            Ok(Err(CallError::Failed(()))) if outcome == "failure" => Ok(Ok(())),
            Err(_) if outcome == "panic" => Ok(Ok(())),
            other => Err(format!("a body that ends with {outcome} gave {other:?}")),
        }
    }

    /// What holds after every step of every vector.
    fn check_invariants(&self, snapshot: &Snapshot) -> Result<(), String> {
        let (first, second) = (format!("{snapshot:?}"), format!("{:?}", self.circuit.snapshot()));
        if first != second {
            return Err(format!("reading is not pure:\n    {first}\n    {second}"));
        }
        equal(
            "state()",
            &json!(snapshot.state.to_string()),
            &json!(self.circuit.state().as_str()),
        )?;
        let calls = snapshot.calls;
        let ended = calls.success + calls.failure + calls.ignored + calls.cancelled;
        equal("started (R19)", &json!(ended + snapshot.in_flight), &json!(calls.started))?;
        let answered = calls.started + rejections(snapshot);
        equal("asked (R19)", &json!(self.asked), &json!(answered))
    }

    fn check(
        &self,
        field: &str,
        expected: &Value,
        answer: &Answer,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        if field == "retry_after_between_ns" {
            return between(expected, snapshot.retry_after);
        }
        let got = match field {
            "permitted" | "reason" | "rejected_retry_after_ns" => {
                let Answer::Admission(admission) = answer else {
                    return Err(format!("{field} of an op that asks nothing"));
                };
                let rejected = admission.as_ref().err();
                match field {
                    "permitted" => json!(rejected.is_none()),
                    "reason" => json!(rejected.map(|rejected| rejected.reason().to_string())),
                    _ => nanos(rejected.and_then(Rejected::retry_after)),
                }
            }
            "advised" => match answer {
                Answer::Advised(advised) => json!(format!("{advised:?}").to_lowercase()),
                _ => return Err("advised of an op that advises nothing".to_owned()),
            },
            "cause" => json!(self.told.lock().unwrap().cause),
            "probe_wanted" => json!(self.told.lock().unwrap().probe_wanted),
            "epoch" => json!(snapshot.epoch - self.first_epoch),
            _ => shown(field, snapshot).ok_or_else(|| format!("unknown expectation {field:?}"))?,
        };
        equal(field, expected, &got)
    }
}

/// What a snapshot shows under the name that the vectors give it.
fn shown(field: &str, snapshot: &Snapshot) -> Option<Value> {
    Some(match field {
        "state" => json!(snapshot.state.to_string()),
        "failure_rate" => json!(snapshot.failure_rate),
        "slow_call_rate" => json!(snapshot.slow_call_rate),
        "window_calls" => json!(snapshot.window_calls),
        "consecutive_failures" => json!(snapshot.consecutive_failures),
        "consecutive_successes" => json!(snapshot.consecutive_successes),
        "probe_due" => json!(snapshot.probe_due),
        "retry_after_ns" => nanos(snapshot.retry_after),
        "in_flight" => json!(snapshot.in_flight),
        "started" => json!(snapshot.calls.started),
        "success" => json!(snapshot.calls.success),
        "failure" => json!(snapshot.calls.failure),
        "ignored" => json!(snapshot.calls.ignored),
        "cancelled" => json!(snapshot.calls.cancelled),
        "slow" => json!(snapshot.calls.slow),
        "hung" => json!(snapshot.calls.hung),
        "late" => json!(snapshot.calls.late),
        "panicked" => json!(snapshot.calls.panicked),
        "rejected" => json!(rejections(snapshot)),
        "rejected_open" => json!(snapshot.rejected.open),
        "rejected_half_open_full" => json!(snapshot.rejected.half_open_full),
        "rejected_forced_open" => json!(snapshot.rejected.forced_open),
        "rejected_bulkhead_full" => json!(snapshot.rejected.bulkhead_full),
        "rejected_recovering" => json!(snapshot.rejected.recovering),
        "would_reject_recovering" => json!(snapshot.would_reject.recovering),
        "recovering_share" => json!(snapshot.recovering_share),
        "probes_in_flight" => json!(snapshot.probes.in_flight),
        "probes_successes" => json!(snapshot.probes.successes),
        "probes_failures" => json!(snapshot.probes.failures),
        "reopenings" => json!(snapshot.reopenings),
        "trip_kind" => json!(snapshot.trip_reason.map(|reason| reason.kind.as_str())),
        "trip_failed" => json!(snapshot.trip_reason.map(|reason| reason.failed)),
        "trip_calls" => json!(snapshot.trip_reason.map(|reason| reason.calls)),
        "trip_hung" => json!(snapshot.trip_reason.map(|reason| reason.hung)),
        "trip_threshold" => json!(snapshot.trip_reason.and_then(|reason| reason.threshold)),
        "vetoed" => json!(snapshot.vetoed.map(|verdict| verdict.failed)),
        "lease" => match snapshot.lease {
            None => Value::Null,
            Some(Lease::Unasked) => json!("unasked"),
            Some(Lease::Other(_)) => json!("other"),
            Some(Lease::Own(_)) => json!("own"),
            _ => return None,
        },
        "lease_left_ns" => match snapshot.lease {
            Some(Lease::Other(left) | Lease::Own(left)) => nanos(Some(left)),
            _ => Value::Null,
        },
        _ => return None,
    })
}

fn rejections(snapshot: &Snapshot) -> u64 {
    snapshot.rejected.total()
}

/// What goes with that kind of advice.
fn arguments_of_advice(kind: &str) -> Result<&'static [&'static str], String> {
    Ok(match kind {
        "open" => &["advice", "trusted_ns", "left_ns", "votes", "members", "needed", "reopenings"],
        "wait" | "probe" => &["advice", "trusted_ns", "left_ns"],
        "ask" | "close" | "alone" => &["advice", "trusted_ns"],
        unknown => return Err(format!("unknown advice {unknown:?}")),
    })
}

fn advice(step: &Object) -> Advice {
    let left = || duration(&step["left_ns"]);
    match text(step, "advice") {
        "open" => Advice::Open(
            Opening::new(left())
                .votes(count(&step["votes"]))
                .of_members(count(&step["members"]))
                .needed(count(&step["needed"]))
                .reopenings(step.get("reopenings").map_or(0, count)),
        ),
        "ask" => Advice::Ask,
        "wait" => Advice::Wait(left()),
        "probe" => Advice::Probe(left()),
        "close" => Advice::Close,
        _ => Advice::Alone,
    }
}

fn config(stated: &Value) -> Result<Config, String> {
    let mut config = Config::new();
    for (option, value) in stated.as_object().expect("a config is an object") {
        config = match option.as_str() {
            "failure_threshold" => config.failure_threshold(count(value)),
            "failure_rate" => config.failure_rate(number(value)),
            "count_window" => config.count_window(count(value)),
            "time_window" => config.time_window(duration(value)),
            "max_concurrent" => config.max_concurrent(count(value)),
            "max_wait" => config.max_wait(duration(value)),
            "minimum_calls" => config.minimum_calls(count(value)),
            "slow_call" => config.slow_call(duration(value)),
            "slow_call_rate" => config.slow_call_rate(number(value)),
            "cooldown" => config.cooldown(duration(value)),
            "cooldown_multiplier" => config.cooldown_multiplier(number(value)),
            "cooldown_max" => config.cooldown_max(duration(value)),
            "cooldown_jitter" => config.cooldown_jitter(number(value)),
            "half_open_max_calls" => config.half_open_max_calls(count(value)),
            "success_threshold" => config.success_threshold(count(value)),
            "half_open_failure_threshold" => config.half_open_failure_threshold(count(value)),
            "probe_timeout" => config.probe_timeout(duration(value)),
            "hung_after" => config.hung_after(duration(value)),
            "recovery" => config.recovery(duration(value)),
            "open_for_max" => config.open_for_max(duration(value)),
            "mode" if value == "observe" => config.mode(Mode::Observe),
            unknown => return Err(format!("unknown option {unknown:?}")),
        };
    }
    Ok(config)
}

fn text<'v>(object: &'v Object, key: &str) -> &'v str {
    object.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no {key} in {object:?}"))
}

fn count(value: &Value) -> u32 {
    value.as_u64().and_then(|count| count.try_into().ok()).expect("a count")
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("nan") => f64::NAN,
        Some("inf") => f64::INFINITY,
        _ => value.as_f64().expect("a number"),
    }
}

fn duration(value: &Value) -> Duration {
    match value.as_str() {
        Some("max") => Duration::MAX,
        _ => Duration::from_nanos(value.as_u64().expect("nanoseconds")),
    }
}

fn nanos(duration: Option<Duration>) -> Value {
    json!(duration.map(|it| u64::try_from(it.as_nanos()).expect("a time within the clock's range")))
}

fn between(bounds: &Value, got: Option<Duration>) -> Result<(), String> {
    let [least, most] = bounds.as_array().expect("two bounds").as_slice() else {
        return Err(format!("retry_after_between_ns takes two bounds, not {bounds}"));
    };
    match got {
        Some(left) if (duration(least)..=duration(most)).contains(&left) => Ok(()),
        _ => Err(format!("retry_after: expected between {least} and {most}, got {got:?}")),
    }
}

fn equal(field: &str, expected: &Value, got: &Value) -> Result<(), String> {
    let is_equal = match (expected.as_f64(), got.as_f64()) {
        (Some(one), Some(other)) if expected.is_f64() || got.is_f64() => (one - other).abs() < 1e-9,
        _ => expected == got,
    };
    if is_equal { Ok(()) } else { Err(format!("{field}: expected {expected}, got {got}")) }
}
