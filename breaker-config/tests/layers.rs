//! What a file and directives mean: sections, templates, precedence, values.

mod common;

use std::time::Duration;

use breaker_config::{Errors, File};
use breaker_runtime::{Config, Registry, State, WindowSize};
use common::{Folder, own};

/// Applies both, and returns where each value of the circuit comes from.
fn apply(registry: &'static Registry, text: &str, directives: &str) -> Result<(), Errors> {
    let folder = Folder::new();
    let path = folder.write("breaker.toml", text);
    File::new(path).registry(registry).directives(directives).apply().map(drop)
}

/// The text of the option's value, and the end of its source.
fn value(registry: &Registry, circuit: &str, option: &str) -> (String, String) {
    let snapshot = registry.get(circuit).expect("a circuit").snapshot();
    let stated = snapshot.config.to_string();
    let value = stated.split(", ").find_map(|it| it.strip_prefix(&format!("{option}=")));
    let source = snapshot.sources.of(option).to_string();
    let source = source.rsplit('/').next().unwrap_or_default().to_owned();
    (value.unwrap_or_default().to_owned(), source)
}

#[track_caller]
fn says(registry: &Registry, circuit: &str, option: &str, text: &str, source: &str) {
    assert_eq!(value(registry, circuit, option), (text.to_owned(), source.to_owned()));
}

#[test]
fn the_file_of_the_documentation_is_right() {
    let own = own();
    own.circuit("payments", Config::new()).unwrap();
    own.circuit("http", Config::new()).unwrap();
    let text = "\
unknown_circuits = \"error\"

[defaults]
cooldown = \"30s\"

[templates.fragile]
failure_rate = \"25%\"
window = \"30s\"

[circuits.payments]
extends = \"fragile\"
failure_threshold = 3
call_timeout = \"800ms\"
mode = \"observe\"

[fleet]
redis = \"redis://redis.internal/\"
namespace = \"shop\"
[circuits.http]
fleet = \"quorum\"
";
    apply(own, text, "").unwrap();
    says(own, "payments", "cooldown", "30s", "breaker.toml:4");
    says(own, "payments", "failure_rate", "0.25", "breaker.toml:7");
    says(own, "payments", "window", "30s", "breaker.toml:8");
    says(own, "payments", "failure_threshold", "3", "breaker.toml:12");
    says(own, "payments", "mode", "observe", "breaker.toml:14");
    says(own, "http", "window", "", "built-in");
    says(own, "http", "fleet", "quorum", "breaker.toml:20");
}

#[test]
fn a_later_layer_wins_option_by_option() {
    let own = own();
    let coded = Config::new().cooldown(Duration::from_secs(2)).minimum_calls(2);
    own.circuit("a", coded).unwrap();
    let text = "\
[defaults]
cooldown = '1s'
minimum_calls = 1
success_threshold = 1
[templates.t]
minimum_calls = 3
half_open_max_calls = 3
cooldown_jitter = 0.1
[circuits.a]
extends = 't'
half_open_max_calls = 4
cooldown_jitter = '20%'
";
    apply(own, text, "a.cooldown_jitter=30%").unwrap();
    says(own, "a", "success_threshold", "1", "breaker.toml:4");
    says(own, "a", "cooldown", "2s", "code");
    says(own, "a", "minimum_calls", "3", "breaker.toml:6");
    says(own, "a", "half_open_max_calls", "4", "breaker.toml:11");
    says(own, "a", "cooldown_jitter", "0.3", "BREAKER");
}

#[test]
fn a_template_takes_from_the_one_above_what_it_does_not_state() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    let text = "\
[circuits.a]
extends = 'low'
[templates.low]
extends = 'high'
window = 20
[templates.high]
window = 10
success_threshold = 7
";
    apply(own, text, "").unwrap();
    says(own, "a", "window", "20", "breaker.toml:5");
    says(own, "a", "success_threshold", "7", "breaker.toml:8");
}

#[test]
fn numbers_strings_and_false_are_values() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    let text = "\
[circuits.a]
failure_threshold = false
failure_rate = 0.25
window = 0x20
minimum_calls = \"7\"
cooldown_multiplier = 2
success_threshold = 1_0
slow_call = '1m 30s'
slow_call_rate = '50%'
max_concurrent = 'off'
";
    apply(own, text, "").unwrap();
    let settings = own.get("a").unwrap().snapshot().config.settings();
    assert_eq!((settings.failure_threshold, settings.failure_rate), (None, Some(0.25)));
    assert_eq!((settings.window, settings.minimum_calls), (WindowSize::Calls(32), 7));
    assert_eq!(settings.success_threshold, 10);
    assert_eq!(settings.slow_call, Some(Duration::from_secs(90)));
}

#[test]
fn directives_alone_switch_everything_off_keys_too() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    let keyed = own.keyed("http", Config::new(), 8).unwrap();
    let beta = keyed.get("beta");
    let _config = File::none().registry(own).directives("*.mode=disabled").apply().unwrap();
    assert_eq!(own.get("a").unwrap().state(), State::Disabled);
    assert_eq!(beta.state(), State::Disabled);
    assert_eq!(keyed.get("made later").state(), State::Disabled);
}

#[test]
fn circuits_of_keys_that_settings_switch_off_can_be_evicted() {
    let own = own();
    let keyed = own.keyed("http", Config::new(), 2).unwrap();
    let _config = File::none().registry(own).directives("*.mode=disabled").apply().unwrap();
    for key in 0..5 {
        let circuit = keyed.get(key);
        assert_eq!(circuit.name(), format!("http/{key}"));
        circuit.try_acquire().expect("it is switched off").failure();
    }
}

#[test]
fn one_key_and_all_circuits_can_be_named() {
    let own = own();
    let keyed = own.keyed("http", Config::new(), 8).unwrap();
    let text = "\
[circuits.\"*\"]
cooldown = '1s'
[circuits.\"http/legacy.example.com\"]
cooldown = '5m'
";
    apply(own, text, "").unwrap();
    let cooldown = |key| keyed.get(key).snapshot().config.settings().cooldown;
    assert_eq!(cooldown("legacy.example.com"), Duration::from_secs(300));
    assert_eq!(cooldown("other"), Duration::from_secs(1));
}

#[test]
fn unknown_circuits_may_be_made_later() {
    let own = own();
    let folder = Folder::new();
    let text = "unknown_circuits = \"warn\"\n[circuits.later]\ncooldown = '5s'\n";
    let file = File::new(folder.write("breaker.toml", text)).registry(own);
    let config = file.directives("other.cooldown=1s").apply().unwrap();
    assert_eq!(config.applied().unknown, ["later", "other"]);
    own.circuit("later", Config::new()).unwrap();
    says(own, "later", "cooldown", "5s", "breaker.toml:3");
}

#[test]
fn a_wrong_file_changes_nothing() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    apply(own, "[defaults]\ncooldown = '5s'\n", "").unwrap();
    apply(own, "[defaults]\ncooldown = '7s'\nwindow = 'x'\n", "").unwrap_err();
    says(own, "a", "cooldown", "5s", "breaker.toml:2");
}

#[test]
fn a_file_without_directives_removes_earlier_directives() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    apply(own, "[defaults]\ncooldown = '5s'\n", "a.window=7,a.cooldown=9s").unwrap();
    apply(own, "[defaults]\ncooldown = '6s'\n", "").unwrap();
    says(own, "a", "window", "", "built-in");
    says(own, "a", "cooldown", "6s", "breaker.toml:2");
}

#[test]
fn directives_without_a_file_replace_only_directives() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    apply(own, "[circuits.a]\ncooldown = '5s'\n", "a.window=7").unwrap();
    let _config = File::none().registry(own).directives("").apply().unwrap();
    says(own, "a", "window", "", "built-in");
    says(own, "a", "cooldown", "5s", "breaker.toml:2");
}

#[test]
fn a_check_changes_nothing() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    let folder = Folder::new();
    let path = folder.write("breaker.toml", "[defaults]\ncooldown = '5s'\n");
    File::new(path).registry(own).directives("").check().unwrap();
    says(own, "a", "cooldown", "", "built-in");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    apply(own, "\u{feff}[defaults]\r\ncooldown = '5s'\r\n", "").unwrap();
    says(own, "a", "cooldown", "5s", "breaker.toml:2");
}
