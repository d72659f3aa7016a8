//! The table of the registry, as a person reads it in a terminal.

mod common;

use breaker_runtime::{
    CircuitBreaker, Config, FleetStatus, Mode, RegistrySnapshot, State, registry,
};
use common::{COOLDOWN, SECOND, circuit, fail, pass_cooldown, succeed};

#[test]
fn the_table_is_aligned_and_names_what_matters() {
    let (healthy, _) = circuit(Config::new());
    succeed(&healthy, 1_200);
    let _in_flight = healthy.try_acquire().unwrap();
    let (open, time) = circuit(Config::new().cooldown(COOLDOWN));
    fail(&open, 5);
    time.advance(COOLDOWN / 5);
    assert!(open.try_acquire().is_err());
    let (due, time) = circuit(Config::new());
    due.trip();
    pass_cooldown(&due, &time);
    let (failing, _) = circuit(Config::new().failure_rate(0.5));
    succeed(&failing, 9);
    fail(&failing, 1);
    let (forced, _) = circuit(Config::new());
    forced.force_open();

    let mut table = registry().snapshot();
    table.circuits =
        [&healthy, &open, &due, &failing, &forced].map(CircuitBreaker::snapshot).into();
    for (circuit, name) in table.circuits.iter_mut().zip(["a", "billing", "straße", "d", "e"]) {
        name.clone_into(&mut circuit.name);
    }
    let expected = "\
NAME     STATE        CALLS  FAILED  REJECTED  IN FLIGHT  FAIL RATE  PROBES IN
e        forced_open      0       0         0          0          -          -
billing  open             5       5         1          0          -        48s
straße   open             0       0         0          0          -        now
d        closed          10       1         0          0        10%          -
a        closed        1201       0         0          1         0%          -";
    assert_eq!(table.to_string(), expected);
}

/// A table of open circuits with those names and so many calls.
fn table_of(names: &[&str], calls: u64) -> RegistrySnapshot {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    circuit.trip();
    time.advance(COOLDOWN / 4);
    let mut table = registry().snapshot();
    table.circuits = vec![circuit.snapshot(); names.len()];
    for (circuit, name) in table.circuits.iter_mut().zip(names) {
        (*name).clone_into(&mut circuit.name);
        circuit.calls.started = calls;
    }
    table
}

#[test]
fn the_worst_come_first_and_equals_by_name() {
    let mut table = table_of(&["a", "b", "c", "d", "e", "f", "g", "h"], 0);
    let mut states = table.circuits.iter_mut();
    let mut next = |state| {
        let circuit = states.next().expect("a name for each");
        circuit.state = state;
        circuit
    };
    next(State::Closed);
    next(State::Closed).window_failures = 1;
    next(State::Closed).consecutive_failures = 1;
    next(State::Disabled);
    next(State::HalfOpen);
    next(State::Open);
    next(State::Open);
    next(State::ForcedOpen);
    let shown = table.to_string();
    let names: Vec<_> = shown.lines().skip(1).map(|line| &line[..1]).collect();
    assert_eq!(names, ["h", "f", "g", "e", "d", "b", "c", "a"]);
}

#[test]
fn a_table_fits_into_80_columns_whatever_it_shows() {
    let names = ["payments/eu-central-1.internal.example.com", "支払い/東京.example.com", "mail"];
    let expected = "\
NAME                        STATE  CALLS  FAILED  REJECTED  FLIGHT  RATE  PROBES
payments/eu-c….example.com  open    1.2M       0         0       0     -     45s
支払い/東京.example.com     open    1.2M       0         0       0     -     45s
mail                        open    1.2M       0         0       0     -     45s";
    assert_eq!(table_of(&names, 1_234_567).to_string(), expected);
}

#[test]
fn r25_an_observed_circuit_is_marked_in_the_table() {
    let mut table = table_of(&["mail", "payments"], 3);
    table.circuits[0].mode = Mode::Observe;
    let expected = "\
NAME      STATE            CALLS  FAILED  REJECTED  IN FLIGHT  FAIL RATE  PROBES IN
mail      open (observed)      3       0         0          0          -        45s
payments  open                 3       0         0          0          -        45s";
    assert_eq!(format!("{table:90}"), expected);
    let expected = "\
NAME      STATE  CALLS  FAILED  REJECTED  FLIGHT  RATE  PROBES
mail      open*      3       0         0       0     -     45s
payments  open       3       0         0       0     -     45s";
    assert_eq!(table.to_string(), expected, "83 columns are too many");
    table.circuits.truncate(1);
    table.circuits[0].state = State::HalfOpen;
    assert!(table.to_string().contains("mail  half_open*"));
    assert!(format!("{table:#}").contains("mail  \x1b[33mhalf_open*\x1b[0m"));
    table.circuits[0].state = State::Closed;
    assert!(format!("{table:90}").contains("mail  closed (observed)"));
}

#[test]
fn r30_a_table_says_how_long_calls_take_if_some_are_timed_and_there_is_room() {
    let (timed, time) = circuit(Config::new().timings(true));
    let call = |micros| {
        let permit = timed.try_acquire().unwrap();
        time.advance(std::time::Duration::from_micros(micros));
        permit.success();
    };
    (0..19).for_each(|_| call(100));
    call(1_000_000);
    let mut table = table_of(&["mail", "search"], 3);
    let timings = timed.snapshot().timings;
    table.circuits[1].timings = timings;
    let expected = "\
NAME    STATE  CALLS  FAILED  REJECTED  IN FLIGHT  FAIL RATE    P95  PROBES IN
mail    open       3       0         0          0          -      -        45s
search  open       3       0         0          0          -  102us        45s";
    assert_eq!(table.to_string(), expected);
    let expected = "\
NAME    STATE  CALLS  FAILED  REJECTED  FLIGHT  RATE    P95  PROBES
mail    open       3       0         0       0     -      -     45s
search  open       3       0         0       0     -  102us     45s";
    assert_eq!(format!("{table:70}"), expected, "78 columns are too many");
    let narrow = format!("{table:66}");
    assert!(!narrow.contains("P95") && !narrow.contains("102us"), "{narrow}");
    table.circuits[1].timings = None;
    assert!(!table.to_string().contains("P95"), "nothing is timed");
}

#[test]
fn a_table_says_how_long_circuits_are_not_closed_once_one_has_opened_again() {
    let mut table = table_of(&["mail", "search"], 3);
    assert!(!table.to_string().contains("OUTAGE"), "the time to the next probe says enough");
    let (reopened, time) = circuit(Config::new().failure_threshold(1).cooldown(SECOND * 20));
    for _ in 0..22 {
        fail(&reopened, 1);
        time.advance(SECOND * 20);
    }
    table.circuits[1].outage = reopened.snapshot().outage;
    let expected = "\
NAME    STATE  CALLS  FAILED  REJECTED  IN FLIGHT  FAIL RATE  OUTAGE  PROBES IN
mail    open       3       0         0          0          -     15s        45s
search  open       3       0         0          0          -  7m 20s        45s";
    assert_eq!(table.to_string(), expected);
    let expected = "\
NAME    STATE  CALLS  FAILED  REJECTED  FLIGHT  RATE  OUTAGE  PROBES
mail    open       3       0         0       0     -     15s     45s
search  open       3       0         0       0     -  7m 20s     45s";
    assert_eq!(format!("{table:70}"), expected, "79 columns are too many");
    assert!(!format!("{table:66}").contains("OUTAGE"), "68 columns are too many");
}

#[test]
fn a_table_without_room_for_both_shows_outages_and_not_how_long_calls_take() {
    let mut table = table_of(&["mail"], 3);
    let outage = table.circuits[0].outage.as_mut().unwrap();
    outage.reopenings = 1;
    let (timed, _) = circuit(Config::new().timings(true));
    timed.try_acquire().unwrap().success();
    table.circuits[0].timings = timed.snapshot().timings;
    let shown = |width: usize| format!("{table:width$}");
    assert!(shown(120).contains("P95  OUTAGE"));
    let narrow = shown(66);
    assert!(narrow.contains("OUTAGE") && !narrow.contains("P95"), "{narrow}");
}

#[test]
fn a_table_is_as_wide_as_the_format_asks() {
    let name = "n".repeat(128);
    let table = table_of(&[&name], 0);
    assert!(format!("{table:200}").contains(&name));
    for width in [70, 80, 120] {
        let table = format!("{table:width$}");
        assert!(table.lines().all(|line| line.chars().count() == width), "{table}");
    }
    // Too narrow for anything: a name keeps 8 columns.
    assert!(format!("{table:10}").contains("\nnnnn…nnn  open"));
}

#[test]
fn h08_a_name_does_nothing_to_the_terminal() {
    let table =
        table_of(&["\u{202e}live", "zero\u{200b}width", "wide\u{3000}blank"], 0).to_string();
    let expected = r"
NAME               STATE  CALLS  FAILED  REJECTED  FLIGHT  RATE  PROBES
\u{202e}live       open       0       0         0       0     -     45s
zero\u{200b}width  open       0       0         0       0     -     45s
wide\u{3000}blank  open       0       0         0       0     -     45s";
    assert_eq!(table, expected.trim_start());
}

#[test]
fn only_the_alternate_form_has_colors() {
    let (open, _) = circuit(Config::new());
    open.trip();
    let mut table = table_of(&["closed", "down"], 0);
    table.circuits[0].state = State::Closed;
    assert!(!table.to_string().contains('\x1b'));
    let colored = format!("{table:#}");
    assert!(
        colored.contains("down    \x1b[1;31mopen\x1b[0m    ")
            && colored.contains("closed  \x1b[32mclosed\x1b[0m  ")
    );
    let plain = colored.replace("\x1b[0m", "").replace("\x1b[1;31m", "").replace("\x1b[32m", "");
    assert_eq!(plain, table.to_string());
}

#[test]
fn a_table_of_nothing_is_its_header() {
    let mut table = registry().snapshot();
    table.circuits.clear();
    let expected = "NAME  STATE  CALLS  FAILED  REJECTED  IN FLIGHT  FAIL RATE  PROBES IN";
    assert_eq!(table.to_string(), expected);
}

#[test]
fn f08_the_last_line_says_whether_the_fleet_is_connected() {
    let line = |fleet: FleetStatus| {
        let mut table = table_of(&["mail"], 0);
        table.fleet = Some(fleet);
        assert_eq!(table.to_string().lines().count(), 3);
        table.to_string().lines().last().map(str::to_owned).unwrap()
    };
    let mut fleet = FleetStatus::default();
    "shop-production".clone_into(&mut fleet.namespace);
    (fleet.connected, fleet.members) = (true, 8);
    assert_eq!(line(fleet.clone()), "fleet shop-production: 8 members");
    fleet.members = 1;
    assert_eq!(line(fleet.clone()), "fleet shop-production: 1 member");
    (fleet.connected, fleet.members, fleet.since) = (false, 0, SECOND * 12);
    assert_eq!(line(fleet.clone()), "fleet shop-production: not connected for 12s");
    fleet.why = Some("connection refused".to_owned());
    let lost = "fleet shop-production: not connected for 12s: connection refused";
    assert_eq!(line(fleet.clone()), lost);
    fleet.why = Some("\u{202e}gnp".to_owned());
    assert!(line(fleet.clone()).ends_with(r"for 12s: \u{202e}gnp"));
    fleet.why = Some("n".repeat(100));
    assert_eq!(line(fleet).chars().count(), 80);
}
