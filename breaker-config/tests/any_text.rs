//! No text makes reading it panic, and what is wrong with it can always be shown.

mod common;

use std::sync::LazyLock;

use breaker_config::File;
use breaker_options::is_hidden;
use breaker_runtime::{Config, Registry};
use common::{Folder, own};
use proptest::prelude::*;

static OWN: LazyLock<&'static Registry> = LazyLock::new(|| {
    let own = own();
    for name in ["payments", "http"] {
        own.circuit(name, Config::new()).expect("a good config");
    }
    own
});

/// Words of which files are made, in any order, so that many get far.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "[defaults]\n",
        "[templates.a]\n",
        "[templates.b]\n",
        "[circuits.payments]\n",
        "[circuits.\"http/x\"]\n",
        "[circuits.\"*\"]\n",
        "[circuits",
        "circuits.",
        "extends = 'a'\n",
        "extends = 'b'\n",
        "cooldown",
        "window",
        "mode",
        "failure_rate",
        "unknown_circuits",
        " = ",
        "30",
        "'5s'",
        "\"25%\"",
        "0.5",
        "true",
        "'observe'",
        "\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        ".",
        "\"",
        "'",
        "\\",
        "#",
        "ü",
        "\t",
        "\r\n",
        "=",
        "payments",
        "*",
        "\u{0}",
        "\u{feff}",
        "[[circuits]]\n",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![words(), any::<String>(), "[ -~\n]{0,200}"]
}

fn shown(file: File) {
    if let Err(errors) = file.check() {
        let text = errors.to_string();
        assert!(text.chars().all(|char| char == '\n' || !is_hidden(char)), "{text:?}");
        for problem in errors.iter() {
            assert_eq!(problem.line == 0, problem.column == 0);
            assert!(!problem.message.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_makes_reading_panic(text in any_text()) {
        let folder = Folder::new();
        shown(File::new(folder.write("breaker.toml", &text)).registry(*OWN).directives(""));
    }

    #[test]
    fn no_directives_make_reading_panic(text in any_text()) {
        shown(File::none().registry(*OWN).directives(text));
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = Folder::new();
        let path = folder.path().join("breaker.toml");
        std::fs::write(&path, bytes).unwrap();
        shown(File::new(path).registry(*OWN).directives(""));
    }
}
