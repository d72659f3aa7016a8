//! Settings from outside the code, in layers (R32, R33), and overrides of options (R34).

mod common;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Config, EventKind, Layer, Override, Registry, Source, State, Statement,
    circuit_breaker, registry,
};
use common::SECOND;
use proptest::prelude::*;

fn state(circuit: &str, option: &str, value: &str) -> Statement {
    Statement::new(circuit, option, value, format!("{circuit}.{option}"))
}

fn cooldown(own: &Registry, name: &str) -> Duration {
    own.snapshot_of(name).unwrap().config.settings().cooldown
}

#[test]
fn r32_a_later_layer_wins_option_by_option() {
    let own = Registry::new();
    let circuit = own.circuit("pay", Config::new().cooldown(SECOND * 2)).unwrap();
    let layers = [
        (Layer::Fleet, "8s", Layer::Fleet),
        (Layer::File, "4s", Layer::Fleet),
        (Layer::Environment, "5s", Layer::Fleet),
    ];
    for (layer, value, winner) in layers {
        own.apply(layer, vec![Statement::new("pay", "cooldown", value, layer.to_string())])
            .unwrap();
        let source = circuit.snapshot().sources.of("cooldown");
        assert_eq!(source, Source::Stated(winner, winner.to_string().into()));
    }
    own.apply(Layer::Fleet, vec![]).unwrap();
    assert_eq!(cooldown(&own, "pay"), SECOND * 5);
    own.apply(Layer::Environment, vec![]).unwrap();
    assert_eq!(cooldown(&own, "pay"), SECOND * 4);
    own.apply(Layer::File, vec![]).unwrap();
    assert_eq!(
        (cooldown(&own, "pay"), circuit.snapshot().sources.of("cooldown")),
        (SECOND * 2, Source::Code)
    );
}

#[test]
fn r32_defaults_fill_only_what_nobody_states() {
    let own = Registry::new();
    own.circuit("pay", Config::new().cooldown(SECOND * 2)).unwrap();
    let defaults = vec![state("*", "cooldown", "30s"), state("*", "failure_threshold", "7")];
    own.apply(Layer::Defaults, defaults).unwrap();
    let settings = own.snapshot_of("pay").unwrap().config.settings();
    assert_eq!((settings.cooldown, settings.failure_threshold), (SECOND * 2, Some(7)));
}

#[test]
fn r32_inside_a_layer_the_more_precise_circuit_wins() {
    let own = Registry::new();
    let hosts = own.keyed("http", Config::new(), 9).unwrap();
    let held = [hosts.get("alpha"), hosts.get("beta")];
    own.circuit("other", Config::new()).unwrap();
    let file = vec![
        state("http/beta", "cooldown", "3s"),
        state("http", "cooldown", "2s"),
        state("*", "cooldown", "1s"),
    ];
    let applied = own.apply(Layer::File, file).unwrap();
    assert_eq!(applied.changed, ["http", "http/alpha", "http/beta", "other"]);
    let cooldowns = ["other", "http", "http/alpha", "http/beta"].map(|name| cooldown(&own, name));
    assert_eq!(cooldowns, [SECOND, SECOND * 2, SECOND * 2, SECOND * 3]);
    drop(held);
    assert_eq!(
        hosts.get("gamma").snapshot().config.settings().cooldown,
        SECOND * 2,
        "also later ones"
    );
}

#[test]
fn r32_circuits_that_are_made_later_begin_with_the_layers() {
    let own = Registry::new();
    let later = vec![state("later", "cooldown", "3s").may_be_unknown()];
    assert_eq!(own.apply(Layer::File, later).unwrap().unknown, ["later"]);
    own.circuit("later", Config::new().failure_threshold(2)).unwrap();
    assert_eq!(cooldown(&own, "later"), SECOND * 3);
    assert!(own.apply(Layer::Environment, vec![]).unwrap().unknown.is_empty());
}

#[test]
fn r33_a_layer_is_applied_as_a_whole_or_not_at_all_and_all_mistakes_are_told() {
    let own = Registry::new();
    own.circuit("payments", Config::new().count_window(20)).unwrap();
    own.apply(Layer::File, vec![state("payments", "cooldown", "9s")]).unwrap();
    let wrong = vec![
        state("payments", "cooldown", "3s"),
        state("payments", "cooldwn", "3s"),
        state("payment", "cooldown", "3s"),
        state("payments", "failure_rate", "50"),
        state("payments", "fallback", "x"),
        state("payments", "cooldown", "4s"),
        state("payments", "window", "off"),
    ];
    let errors = own.apply(Layer::File, wrong).unwrap_err();
    let told: Vec<_> = errors
        .by_statement()
        .map(|(statement, mistake)| (statement.map(|(_, number)| number), mistake.to_owned()))
        .collect();
    let expected = [
        (1, "unknown option `cooldwn`; did you mean `cooldown`?"),
        (
            3,
            "`failure_rate` must be a share: more than 0, at most 1; for 50 % write `0.5` or `50%`",
        ),
        (4, "`fallback` is code, so it can only be set in the attribute"),
        (5, "`cooldown` is given twice; keep one"),
        (6, "`window` is not a duration; write it like \"250ms\", \"30s\" or \"1m 30s\""),
        (2, "unknown circuit \"payment\"; did you mean \"payments\"?"),
    ];
    assert_eq!(told, expected.map(|(number, mistake)| (Some(number), mistake.to_owned())));
    assert_eq!(cooldown(&own, "payments"), SECOND * 9);
}

#[test]
fn r32_what_is_wrong_once_all_is_laid_over_each_other_is_refused_whole() {
    let own = Registry::new();
    own.circuit("pay", Config::new().count_window(20)).unwrap();
    own.circuit("other", Config::new()).unwrap();
    let errors = own.apply(Layer::File, vec![state("*", "minimum_calls", "50")]).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "circuit \"pay\": `minimum_calls` must not be more than the window holds (from *.minimum_calls)"
    );
    assert_eq!(own.snapshot_of("other").unwrap().config, Config::new());
    let both = vec![state("*", "minimum_calls", "50"), state("pay", "window", "off")];
    assert!(own.apply(Layer::File, both).is_err());
    let both = vec![state("*", "minimum_calls", "50"), state("pay", "window", "60")];
    own.apply(Layer::File, both).unwrap();
    let error =
        own.get("pay").unwrap().reconfigure(Config::new().failure_rate(0.5).minimum_calls(3));
    assert_eq!(error, Ok(()), "the layer wins over what code states");
    assert_eq!(own.snapshot_of("pay").unwrap().config.settings().minimum_calls, 50);
}

#[test]
fn off_switches_off_what_can_be_off_and_what_needs_it() {
    let own = Registry::new();
    let slow = Config::new().slow_call(SECOND).slow_call_rate(0.5).max_concurrent(2);
    let circuit = own.circuit("pay", slow).unwrap();
    let off = ["failure_threshold", "slow_call", "max_concurrent"]
        .map(|option| state("pay", option, "off"));
    own.apply(Layer::File, off.to_vec()).unwrap();
    let settings = circuit.snapshot().config.settings();
    assert_eq!(
        (settings.failure_threshold, settings.slow_call, settings.slow_call_rate),
        (None, None, None)
    );
    let held = [(); 5].map(|()| circuit.try_acquire().unwrap());
    for permit in held {
        permit.failure();
    }
    assert_eq!(circuit.state(), State::Closed);
    let text = circuit.snapshot().config.to_string();
    assert!(text.starts_with("failure_threshold=off, slow_call=off"), "{text}");
    assert_eq!(text.parse::<Config>().unwrap(), circuit.snapshot().config);
}

#[test]
fn r24_a_layer_keeps_state_window_and_calls_in_flight() {
    let own = Registry::new();
    let circuit = own.circuit("pay", Config::new()).unwrap();
    let permit = circuit.try_acquire().unwrap();
    circuit.try_acquire().unwrap().failure();
    own.apply(Layer::File, vec![state("pay", "failure_threshold", "2")]).unwrap();
    permit.failure();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.calls.late), (State::Open, 0));
    assert!(snapshot.explain().contains("2 failures in a row"));
}

#[test]
fn a_mode_of_a_layer_holds_until_it_goes_and_an_override_wins_over_it() {
    let own = Registry::new();
    let circuit = own.circuit("pay", Config::new()).unwrap();
    own.apply(Layer::Environment, vec![state("*", "mode", "disabled")]).unwrap();
    assert_eq!(circuit.state(), State::Disabled);
    circuit.reset();
    assert_eq!(circuit.state(), State::Disabled, "a reset ends overrides, not settings");
    circuit.force_open();
    assert_eq!(circuit.state(), State::ForcedOpen);
    circuit.reset();
    own.apply(Layer::Environment, vec![]).unwrap();
    assert_eq!((circuit.state(), circuit.snapshot().epoch > 0), (State::Closed, true));
}

#[test]
fn a_changed_circuit_tells_once_with_old_and_new_values_and_their_places() {
    let own = Registry::new();
    own.circuit("pay", Config::new()).unwrap();
    own.circuit("same", Config::new()).unwrap();
    let (told, heard) = mpsc::channel();
    let _listening = own.subscribe_to_changes(move |event| {
        if let EventKind::Reconfigured(changes) = &event.kind {
            let texts: Vec<_> = changes.iter().map(ToString::to_string).collect();
            let _ = told.send((event.name.clone(), texts));
        }
    });
    let file = vec![state("pay", "cooldown", "5s"), state("pay", "slow_call", "1s")];
    own.apply(Layer::File, file.clone()).unwrap();
    own.apply(Layer::File, file).unwrap();
    let (name, changes) = heard.try_recv().unwrap();
    assert_eq!(name, "pay");
    assert!(changes.contains(&"cooldown=5s (was 1m, built-in; from pay.cooldown)".to_owned()));
    assert!(heard.try_recv().is_err(), "the same again changes nothing");
}

#[circuit_breaker(name = "layers.timeout", call_timeout = "60s", fallback = |_| Err("too slow"))]
async fn hangs() -> Result<(), &'static str> {
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_a_function_can_be_set_from_outside() {
    let started = tokio::time::Instant::now();
    registry().apply(Layer::File, vec![state("layers.timeout", "call_timeout", "2s")]).unwrap();
    assert_eq!(hangs().await, Err("too slow"));
    assert_eq!(started.elapsed(), SECOND * 2);
    let snapshot = registry().snapshot_of("layers.timeout").unwrap();
    assert_eq!(snapshot.sources.of("call_timeout").to_string(), "layers.timeout.call_timeout");
    registry().apply(Layer::File, vec![]).unwrap();
}

#[test]
fn the_bound_of_keys_can_be_set_from_outside() {
    let own = Registry::new();
    let hosts = own.keyed("http", Config::new(), 3).unwrap();
    (0..3).for_each(|key| drop(hosts.get(key)));
    own.apply(Layer::File, vec![state("http", "max_keys", "1")]).unwrap();
    hosts.get("new");
    assert_eq!(own.names(), ["http", "http/new"]);
    own.apply(Layer::File, vec![]).unwrap();
    (0..2).for_each(|key| drop(hosts.get(key)));
    assert_eq!(own.names().len(), 4);
}

fn listed(name: &str) -> (Registry, std::sync::Arc<CircuitBreaker>) {
    let own = Registry::new();
    let circuit = own.circuit(name, Config::new()).unwrap();
    (own, circuit)
}

#[test]
fn r34_an_override_of_an_option_wins_over_layers_and_ends_alone() {
    let (own, circuit) = listed("pay");
    own.apply(Layer::Environment, vec![state("pay", "cooldown", "9s")]).unwrap();
    circuit.override_for(Override::Option("cooldown", "5s"), None, "ann").unwrap();
    own.override_for("pay", Override::Option("failure_threshold", "2"), None, "bob").unwrap();
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.config.settings().cooldown, SECOND * 5);
    assert_eq!(snapshot.sources.of("cooldown").to_string(), "override by ann");
    let by: Vec<_> = snapshot.overrides.iter().map(|it| it.by.as_deref().unwrap()).collect();
    assert_eq!(by, ["ann", "bob"]);
    circuit.reset();
    assert_eq!(circuit.snapshot().overrides.len(), 2, "a reset is about the state");
    circuit.end_overrides();
    assert_eq!(cooldown(&own, "pay"), SECOND * 9);
}

#[test]
fn r34_a_wrong_override_of_an_option_changes_nothing() {
    let (own, circuit) = listed("pay");
    let wrong = |option, value| {
        own.override_for("pay", Override::Option(option, value), None, "ann")
            .unwrap_err()
            .to_string()
    };
    assert_eq!(wrong("cooldown", "5"), "`cooldown` needs a unit: write `\"5s\"` or `\"5ms\"`");
    assert!(wrong("minimum_calls", "500").starts_with("circuit \"pay\": `minimum_calls` must not"));
    assert!(wrong("colour", "red").starts_with("unknown option `colour`"));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.config, snapshot.overrides), (Config::new(), vec![]));
    let alone = CircuitBreaker::new("alone", Config::new()).unwrap();
    let error = alone.override_for(Override::Option("cooldown", "5s"), None, "").unwrap_err();
    assert!(error.to_string().ends_with("use `reconfigure`"));
}

#[tokio::test(start_paused = true)]
async fn r34_an_override_of_an_option_for_a_time_ends_at_the_next_call_or_look() {
    let (own, circuit) = listed("pay");
    let minute = Some(SECOND * 60);
    circuit.override_for(Override::Option("failure_threshold", "1"), minute, "ann").unwrap();
    circuit.try_acquire().unwrap().success();
    tokio::time::advance(SECOND * 59).await;
    assert_eq!(circuit.snapshot().overrides[0].left, Some(SECOND));
    tokio::time::advance(SECOND).await;
    circuit.try_acquire().unwrap().failure();
    assert_eq!(circuit.state(), State::Closed, "the threshold is five again");

    circuit.override_for(Override::Option("cooldown", "5s"), minute, "ann").unwrap();
    tokio::time::advance(SECOND * 60).await;
    let snapshot = own.snapshot_of("pay").unwrap();
    assert_eq!((snapshot.config, snapshot.overrides), (Config::new(), vec![]));
}

#[tokio::test(start_paused = true)]
async fn r34_an_open_circuit_goes_by_its_own_cooldown_again_when_the_override_is_over() {
    let (_own, circuit) = listed("pay");
    circuit.override_for(Override::Option("cooldown", "10m"), Some(SECOND * 30), "ann").unwrap();
    circuit.trip();
    assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), Some(SECOND * 600));
    tokio::time::advance(SECOND * 30).await;
    assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), Some(SECOND * 30));
}

#[derive(Clone, Debug)]
struct Told(usize, usize, usize, u32);

fn statements() -> impl Strategy<Value = Vec<Told>> {
    prop::collection::vec((0..6_usize, 0..4_usize, 0..3_usize, 1..9_u32), 0..30)
        .prop_map(|all| all.into_iter().map(|(a, b, c, d)| Told(a, b, c, d)).collect())
}

const LAYERS: [Layer; 6] = [
    Layer::Defaults,
    Layer::Template,
    Layer::File,
    Layer::Environment,
    Layer::Override,
    Layer::Fleet,
];
const CIRCUITS: [&str; 4] = ["*", "http", "http/a", "other"];
const OPTIONS: [&str; 3] = ["failure_threshold", "success_threshold", "half_open_max_calls"];

/// The last layer that says anything about the option decides, by its most precise statement; code comes after the
/// defaults.
fn expected(told: &[Told], name: &str, option: usize, code: Option<u32>, built_in: u32) -> u32 {
    let precise: &[&str] = match name {
        "http/a" => &["http/a", "http", "*"],
        "http" => &["http", "*"],
        _ => &["other", "*"],
    };
    let of_layer = |layer: usize| {
        precise.iter().find_map(|circuit| {
            let mut of_it = told.iter().filter(|it| it.0 == layer && it.2 == option);
            of_it.find(|it| CIRCUITS[it.1] == *circuit).map(|it| it.3)
        })
    };
    let above = (1..LAYERS.len()).rev().find_map(of_layer);
    above.or(code).or_else(|| of_layer(0)).unwrap_or(built_in)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r32_layers_do_what_a_naive_merge_does(mut told in statements(), code in prop::option::of(1..9_u32)) {
        let own = Registry::new();
        let config = code.map_or(Config::new(), |count| Config::new().success_threshold(count));
        let keyed = own.keyed("http", config, 9).unwrap();
        let _held = keyed.get("a");
        own.circuit("other", config).unwrap();
        let mut seen = Vec::new();
        told.retain(|it| {
            let place = (it.0, it.1, it.2);
            let is_new = !seen.contains(&place);
            seen.push(place);
            is_new
        });
        let layers = LAYERS.iter().enumerate().map(|(number, layer)| {
            let of_layer = told.iter().filter(|it| it.0 == number);
            let texts = of_layer.map(|it| state(CIRCUITS[it.1], OPTIONS[it.2], &it.3.to_string()));
            (*layer, texts.collect())
        });
        own.apply_all(layers.collect()).unwrap();
        for name in ["http", "http/a", "other"] {
            let settings = own.snapshot_of(name).unwrap().config.settings();
            let values = [settings.failure_threshold.unwrap(), settings.success_threshold, settings.half_open_max_calls];
            for (option, value) in values.into_iter().enumerate() {
                let (code, built_in) = [(None, 5), (code, 3), (None, 3)][option];
                prop_assert_eq!(value, expected(&told, name, option, code, built_in), "{} {}", name, OPTIONS[option]);
            }
        }
    }
}

#[test]
fn r33_listeners_hear_of_refused_settings_once() {
    let own = Registry::new();
    let (told, heard) = mpsc::channel();
    let _listening = own.subscribe_to_changes(move |event| {
        let _ = told.send((event.name.clone(), event.sequence, event.kind.to_string()));
    });
    own.refuse(
        Layer::File,
        vec!["breaker.toml:3:1: one".to_owned(), "breaker.toml:5:1: two".to_owned()],
    );
    own.snapshot();
    let text = "settings refused (file): breaker.toml:3:1: one; breaker.toml:5:1: two";
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [("*".to_owned(), 1, text.to_owned())]);
}

#[test]
fn r34_the_bound_of_keys_can_be_overridden_and_the_override_undone() {
    let own = Registry::new();
    let hosts = own.keyed("http", Config::new(), 8).unwrap();
    let shared = own.get("http").unwrap();
    shared.override_for(Override::Option("max_keys", "1"), None, "").unwrap();
    let first = hosts.get("alpha");
    assert_eq!(hosts.get("beta").name(), "http", "there is no room");
    shared.end_overrides();
    assert_eq!(hosts.get("beta").name(), "http/beta");
    drop(first);
}

#[test]
fn r33_r34_settings_that_come_together_are_all_there_in_the_end() {
    let own = Registry::new();
    let circuit = own.circuit("pay", Config::new()).unwrap();
    for round in 1..=2_000 {
        let [a, b, c] = [0, 1, 2].map(|more| (round * 3 + more).to_string());
        thread::scope(|scope| {
            scope.spawn(|| {
                own.apply(Layer::File, vec![state("pay", "success_threshold", &a)]).unwrap();
            });
            scope.spawn(|| {
                circuit.override_for(Override::Option("failure_threshold", &b), None, "").unwrap();
            });
            circuit.override_for(Override::Option("half_open_max_calls", &c), None, "").unwrap();
        });
        let settings = circuit.snapshot().config.settings();
        assert_eq!(settings.success_threshold.to_string(), a);
        assert_eq!(settings.failure_threshold.map(|it| it.to_string()), Some(b));
        assert_eq!(settings.half_open_max_calls.to_string(), c);
    }
}

#[test]
fn r20_a_listener_may_apply_settings_that_it_hears_of() {
    let own: &'static Registry = Box::leak(Box::default());
    own.circuit("pay", Config::new()).unwrap();
    own.circuit("mail", Config::new()).unwrap();
    let (told, heard) = mpsc::channel();
    own.subscribe_to_changes(move |event| {
        if event.name == "pay" {
            own.apply(Layer::Environment, vec![state("mail", "cooldown", "7s")]).unwrap();
            told.send(cooldown(own, "mail")).unwrap();
        }
    })
    .detach();
    thread::spawn(move || own.apply(Layer::File, vec![state("pay", "cooldown", "5s")]));
    assert_eq!(heard.recv_timeout(SECOND * 30), Ok(SECOND * 7));
}

/// The mistakes of that layer, with the numbers of their statements.
fn mistakes(own: &Registry, statements: Vec<Statement>) -> Vec<(Option<usize>, String)> {
    let errors = own.apply(Layer::File, statements).unwrap_err();
    let texts = errors.by_statement();
    texts.map(|(at, text)| (at.map(|(_, number)| number), text.to_owned())).collect()
}

#[test]
fn r33_a_contradiction_stands_at_the_statement_of_its_own_circuit() {
    let own = Registry::new();
    for name in ["a", "b"] {
        own.circuit(name, Config::new()).unwrap();
    }
    let of = |circuit, value| Statement::new(circuit, "minimum_calls", value, "one line");
    let found = mistakes(&own, vec![of("a", "5"), of("b", "500")]);
    assert!(matches!(&found[..], [(Some(1), text)] if text.contains("circuit \"b\"")), "{found:?}");
}

#[test]
fn r33_a_contradiction_with_code_stands_at_the_statement_that_makes_it() {
    let own = Registry::new();
    own.circuit("pay", Config::new().minimum_calls(10)).unwrap();
    let found = mistakes(&own, vec![state("pay", "window", "5")]);
    assert!(matches!(&found[..], [(Some(0), text)] if text.contains("minimum_calls")), "{found:?}");
}

#[test]
fn r33_one_statement_that_is_wrong_for_many_keys_is_one_mistake() {
    let own = Registry::new();
    let hosts = own.keyed("http", Config::new(), 50).unwrap();
    let _held: Vec<_> = (0..20).map(|key| hosts.get(key)).collect();
    assert_eq!(mistakes(&own, vec![state("http", "minimum_calls", "500")]).len(), 1);
}

#[test]
fn r33_a_contradiction_with_an_override_names_nobody() {
    let own = Registry::new();
    let pay = own.circuit("pay", Config::new()).unwrap();
    pay.override_for(Override::Option("minimum_calls", "50"), None, "10.0.0.7").unwrap();
    let found = mistakes(&own, vec![state("pay", "window", "20")]);
    assert!(found.iter().all(|(_, text)| !text.contains("10.0.0.7")), "{found:?}");
}
