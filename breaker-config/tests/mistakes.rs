//! What is wrong with a file or directives, and how that is shown.

mod common;

use breaker_config::{Errors, File, check};
use breaker_runtime::{Config, Registry};
use common::{Folder, own};
use expect_test::{Expect, expect};

fn registry() -> &'static Registry {
    let own = own();
    for name in ["payments", "mail"] {
        own.circuit(name, Config::new()).expect("a good config");
    }
    own
}

fn errors(text: &str) -> Errors {
    let folder = Folder::new();
    let path = folder.write("breaker.toml", text);
    let file = File::new(&path).registry(registry()).directives("");
    file.check().expect_err("there are mistakes")
}

/// All of them, without the folder.
#[track_caller]
fn shown(text: &str, expected: &Expect) {
    let folder = Folder::new();
    let path = folder.write("breaker.toml", text);
    let file = File::new(&path).registry(registry()).directives("");
    let errors = file.check().expect_err("there are mistakes").to_string();
    let prefix = format!("{}/", folder.path().display());
    expected.assert_eq(&errors.replace(&prefix, ""));
}

/// Line, column and message of the only mistake.
#[track_caller]
fn one(text: &str, line: usize, column: usize, message: &str) {
    let errors = errors(text);
    let all: Vec<_> = errors.iter().map(|it| (it.line, it.column, it.message.as_str())).collect();
    assert_eq!(all, [(line, column, message)]);
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_each_with_its_place() {
    let text = "\
unknown_circuits = \"eror\"

[defalts]
cooldown = \"30s\"

[templates.fragile]
extends = \"fragile\"
failure_rate = 50

[circuits.payments]
extends = \"fragil\"
failure_treshold = 3
cooldown = 30
cooldown = \"5s\"
mode = \"observed\"
fallback = \"none\"

[circuits.paymets]
window = true
slow_call = \"5 fortnights\"
";
    shown(
        text,
        &expect![[r#"
            breaker.toml:1:20: `unknown_circuits` is `error` or `warn`, not `eror`; did you mean `error`?
              |
            1 | unknown_circuits = "eror"
              |                    ^^^^^^

            breaker.toml:3:2: unknown section `defalts`; did you mean `defaults`?
              |
            3 | [defalts]
              |  ^^^^^^^

            breaker.toml:7:11: template `fragile` extends itself: fragile -> fragile
              |
            7 | extends = "fragile"
              |           ^^^^^^^^^

            breaker.toml:8:16: `failure_rate` must be a share: more than 0, at most 1; for 50 % write `0.5` or `50%`
              |
            8 | failure_rate = 50
              |                ^^

            breaker.toml:11:11: unknown template `fragil`; did you mean `fragile`?
               |
            11 | extends = "fragil"
               |           ^^^^^^^^

            breaker.toml:12:1: unknown option `failure_treshold`; did you mean `failure_threshold`?
               |
            12 | failure_treshold = 3
               | ^^^^^^^^^^^^^^^^

            breaker.toml:13:12: `cooldown` needs a unit: write `"30s"` or `"30ms"`
               |
            13 | cooldown = 30
               |            ^^

            breaker.toml:14:1: `cooldown` is given twice; keep one
               |
            14 | cooldown = "5s"
               | ^^^^^^^^

            breaker.toml:15:8: `mode` takes one of `normal`, `observe`, `disabled`, `forced_open`, not `observed`; did you mean `observe`?
               |
            15 | mode = "observed"
               |        ^^^^^^^^^^

            breaker.toml:16:1: `fallback` is code, so it can only be set in the attribute
               |
            16 | fallback = "none"
               | ^^^^^^^^

            breaker.toml:18:11: unknown circuit "paymets"; did you mean "payments"?
               |
            18 | [circuits.paymets]
               |           ^^^^^^^

            breaker.toml:19:10: `window` takes an integer, 1 to 1000000 calls; or duration, at least 10ms; not `true`
               |
            19 | window = true
               |          ^^^^

            breaker.toml:20:13: `slow_call` has an unknown unit, `fortnights`; the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`
               |
            20 | slow_call = "5 fortnights"
               |             ^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn settings_that_contradict_each_other_are_shown_at_the_value() {
    let text = "[defaults]\ncooldown = \"5s\"\n[circuits.mail]\ncooldown_multiplier = 2.0\ncooldown_max = \"1s\"\n";
    shown(
        text,
        &expect![[r#"
            breaker.toml:5:16: circuit "mail": `cooldown_max` must not be shorter than `cooldown` (from breaker.toml:5)
              |
            5 | cooldown_max = "1s"
              |                ^^^^"#]],
    );
}

#[test]
fn what_is_no_toml_is_shown_where_it_stops_being_some() {
    let text = "[circuits.mail\ncooldown = \n[circuits.http/a.b]\nmode = \"normal\"\nwindow = 'x\n";
    shown(
        text,
        &expect![[r"
            breaker.toml:1:15: this is not TOML: unclosed table, expected `]`
              |
            1 | [circuits.mail
              |               ^

            breaker.toml:3:15: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`; write names with other characters in quotes
              |
            3 | [circuits.http/a.b]
              |               ^

            breaker.toml:5:12: this is not TOML: invalid literal string, expected `'`
              |
            5 | window = 'x
              |            ^"]],
    );
}

#[test]
fn a_value_of_the_wrong_type_says_what_is_expected() {
    for (value, message) in [
        (
            "failure_threshold = true",
            "`failure_threshold` takes an integer, at least 1, or `\"off\"`; not `true`",
        ),
        ("failure_threshold = 3.5", "`failure_threshold` takes a whole number, not `3.5`"),
        ("failure_threshold = -1", "`failure_threshold` takes a whole number, not `-1`"),
        (
            "failure_rate = [0.5]",
            "`failure_rate` takes a number, more than 0, at most 1, or `\"off\"`; not an array",
        ),
        (
            "failure_rate = 1979-05-27",
            "`failure_rate` takes a number, more than 0, at most 1, or `\"off\"`; not a date",
        ),
        ("cooldown = 30", "`cooldown` needs a unit: write `\"30s\"` or `\"30ms\"`"),
        ("cooldown = false", "`cooldown` takes a duration, longer than 0; not `false`"),
        ("mode = 3", "`mode` takes one of `normal`, `observe`, `disabled`, `forced_open`, not `3`"),
    ] {
        let column = value.find('=').unwrap() + 3;
        one(&format!("[defaults]\n{value}\n"), 2, column, message);
    }
}

#[test]
fn fifty_as_a_share_says_how_to_write_it() {
    let message =
        "`failure_rate` must be a share: more than 0, at most 1; for 50 % write `0.5` or `50%`";
    one("[defaults]\nfailure_rate = 50\n", 2, 16, message);
}

#[test]
fn an_option_that_is_code_says_so() {
    let message = "`fallback` is code, so it can only be set in the attribute";
    one("[defaults]\nfallback = \"x\"\n", 2, 1, message);
}

#[test]
fn a_misspelt_circuit_is_one_mistake_also_with_many_options() {
    let message = "unknown circuit \"paymets\"; did you mean \"payments\"?";
    one("[circuits.paymets]\ncooldown = \"5s\"\nmode = \"observe\"\n", 1, 11, message);
    one("[circuits.paymets]\n", 1, 11, message);
}

#[test]
fn what_stands_outside_its_section_says_where_it_belongs() {
    let belongs = "it belongs in `[defaults]` or `[circuits.NAME]`";
    one("cooldown = \"5s\"\n", 1, 1, &format!("`cooldown` is an option; {belongs}"));
    one(
        "[circuits]\ncooldown = \"5s\"\n",
        2,
        1,
        "`cooldown` is an option; it belongs in `[circuits.NAME]`",
    );
    one("circuits = 3\n", 1, 1, "`circuits` is a section, not a number");
    one("[circuits]\nmail = 3\n", 2, 8, "`circuits.mail` is a table of options, not a number");
    let known =
        "the top level has `unknown_circuits`, `defaults`, `templates`, `circuits`, `fleet`";
    one(
        "[mail]\n",
        1,
        2,
        &format!("unknown section `mail`; a circuit is written `[circuits.mail]`; {known}"),
    );
    one("colour = 1\n", 1, 1, &format!("unknown key `colour`; {known}"));
    one("[circuit.mail]\n", 1, 2, "unknown section `circuit`; did you mean `circuits`?");
}

#[test]
fn a_fleet_needs_an_address_and_a_namespace() {
    let right = "redis = \"redis://h/\"\nnamespace = \"shop\"\n";
    let has = "`[fleet]` has `redis` and `namespace`";
    let misspelt = format!("unknown key `namespac`; did you mean `namespace`?; {has}");
    one(&format!("[fleet]\n{right}namespac = \"shop\"\n"), 4, 1, &misspelt);
    one("[fleet]\nnamespace = \"shop\"\n", 1, 2, "`[fleet]` needs `redis`");
    one("[fleet]\nredis = \"redis://h/\"\n", 1, 2, "`[fleet]` needs `namespace`");
    let number = "`namespace` is a string, not a number";
    one("[fleet]\nredis = \"redis://h/\"\nnamespace = 7\n", 3, 13, number);
    one("fleet = 3\n", 1, 1, "`fleet` is a section, not a number");
    let policy =
        "`fleet` takes one of `off`, `quorum`, `any`, not `quorom`; did you mean `quorum`?";
    one("[circuits.payments]\nfleet = \"quorom\"\n", 2, 9, policy);
}

#[test]
fn a_name_with_dots_that_is_not_quoted_says_so() {
    let errors = errors("[circuits.mail.example]\ncooldown = \"5s\"\n");
    assert!(errors.to_string().contains("write a name with dots in quotes"), "{errors}");
}

#[test]
fn templates_that_extend_themselves_are_mistakes() {
    one("[templates.a]\nextends = \"a\"\n", 2, 11, "template `a` extends itself: a -> a");
    let errors = errors(
        "[templates.a]\nextends = \"b\"\n[templates.b]\nextends = \"a\"\n[circuits.mail]\nextends = \"a\"\n",
    );
    let all: Vec<_> = errors.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        all,
        ["template `a` extends itself: a -> b -> a", "template `b` extends itself: b -> a -> b"]
    );
}

#[test]
fn unknown_templates_are_mistakes_with_the_nearest_name() {
    let text = "[templates.fragile]\n[circuits.mail]\nextends = \"fragil\"\n";
    one(text, 3, 11, "unknown template `fragil`; did you mean `fragile`?");
    one(
        "[circuits.mail]\nextends = 3\n",
        2,
        11,
        "`extends` takes the name of a template, not a number",
    );
    one(
        "[circuits.mail]\nextend = \"x\"\n",
        2,
        1,
        "unknown option `extend`; did you mean `extends`?",
    );
    one(
        "[defaults]\nextends = \"x\"\n",
        2,
        1,
        "`defaults` extends nothing; only circuits and templates do",
    );
}

#[test]
fn very_many_templates_above_each_other_are_a_mistake() {
    use std::fmt::Write;
    let mut text = "[templates.t0]\n".to_owned();
    for number in 1..5_000 {
        let _ = writeln!(text, "[templates.t{number}]\nextends = \"t{}\"", number - 1);
    }
    assert!(
        errors(&text).iter().all(|it| it.message == "more than 16 templates extend each other")
    );
}

#[test]
fn a_duplicate_key_is_a_mistake() {
    one(
        "[defaults]\ncooldown = \"1s\"\ncooldown = \"2s\"\n",
        3,
        1,
        "`cooldown` is given twice; keep one",
    );
    one("[circuits.mail]\n[circuits.mail]\n", 2, 11, "`mail` is given twice; keep one");
    one(
        "[circuits.mail]\nmode = 'normal'\n[circuits.' mail']\nmode = 'normal'\n",
        4,
        1,
        "`mode` is given twice; keep one",
    );
}

#[test]
fn very_many_mistakes_are_counted() {
    let lines: Vec<_> = (0..5_000).map(|it| format!("x{it} = 1")).collect();
    let text = format!("[defaults]\n{}\n", lines.join("\n"));
    let errors = errors(&text);
    assert_eq!(errors.iter().count(), 100);
    assert!(errors.to_string().ends_with("and 4900 more mistakes"));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let errors = errors("[circuits.\"a\\u001b[2Jb\"]\n\"x\u{7f}\" = 1 # \u{9b}2J\n").to_string();
    assert!(errors.chars().all(|char| char == '\n' || !char.is_control()), "{errors:?}");
}

#[test]
fn invisible_characters_are_marked() {
    let errors = errors("[circuits.\"a\\u202eb\"]\n\"x\u{200b}\" = 1 # \u{202e}gnp\n").to_string();
    assert!(errors.contains("`x\u{fffd}`"), "{errors:?}");
    assert!(errors.contains("1 # \u{fffd}gnp"), "{errors:?}");
    assert!(!errors.contains(['\u{200b}', '\u{202e}']), "{errors:?}");
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = Folder::new();
    let said = |path: &std::path::Path| {
        let said = check(path).unwrap_err().to_string();
        said.replace(&path.display().to_string(), "FILE")
    };
    assert_eq!(said(&folder.path().join("no.toml")), "FILE: there is no such file");
    assert_eq!(said(folder.path()), "FILE: this is a directory; name a file in it");
    let path = folder.path().join("latin.toml");
    std::fs::write(&path, b"# a\n# caf\xe9\n").unwrap();
    assert_eq!(said(&path), "FILE: the file is not UTF-8, first in line 2");
    #[cfg(unix)]
    assert_eq!(said("/dev/zero".as_ref()), "FILE: this is no regular file");
}

#[test]
fn a_hundred_megabytes_are_refused_unread() {
    let folder = Folder::new();
    let path = folder.path().join("large.toml");
    std::fs::File::create(&path).unwrap().set_len(100 * 1024 * 1024).unwrap();
    let began = std::time::Instant::now();
    let said = check(&path).unwrap_err().to_string();
    assert!(said.ends_with("the file is larger than 1 MiB"), "{said}");
    assert!(began.elapsed().as_millis() < 100, "{:?}", began.elapsed());
}

#[test]
#[cfg(unix)]
fn a_file_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.write("breaker.toml", "");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        eprintln!("left out: this user may read everything");
        return;
    }
    let said = check(&path).unwrap_err().to_string();
    assert!(said.ends_with("this process has no permission to read the file"), "{said}");
}

#[test]
fn mistakes_in_directives_have_places_too() {
    let file = File::none().registry(registry());
    let errors = file.directives("payments.cooldown=5,paymnts.mode=observe, mail.mode=on").check();
    expect![[r#"
        BREAKER:1:19: `cooldown` needs a unit: write `"5s"` or `"5ms"`
          |
        1 | payments.cooldown=5,paymnts.mode=observe, mail.mode=on
          |                   ^

        BREAKER:1:21: unknown circuit "paymnts"; did you mean "payments"?
          |
        1 | payments.cooldown=5,paymnts.mode=observe, mail.mode=on
          |                     ^^^^^^^

        BREAKER:1:53: `mode` takes one of `normal`, `observe`, `disabled`, `forced_open`, not `on`
          |
        1 | payments.cooldown=5,paymnts.mode=observe, mail.mode=on
          |                                                     ^^"#]]
    .assert_eq(&errors.unwrap_err().to_string());
}

#[test]
fn a_directive_can_have_several_mistakes() {
    let file = File::none().registry(registry()).directives("mial.cooldown=5");
    let errors = file.check().unwrap_err();
    let all: Vec<_> = errors.iter().map(|it| (it.column, it.message.as_str())).collect();
    let unit = "`cooldown` needs a unit: write `\"5s\"` or `\"5ms\"`";
    assert_eq!(all, [(1, "unknown circuit \"mial\"; did you mean \"mail\"?"), (15, unit)]);
}

#[test]
fn main_prints_mistakes_as_people_read_them() {
    let errors = errors("[defaults]\ncooldown = 30\n");
    assert_eq!(format!("{errors:?}"), format!("the settings are wrong\n\n{errors}"));
}
