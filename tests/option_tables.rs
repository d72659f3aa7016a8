//! The documentation lists the options as they are declared. `UPDATE_EXPECT=1` rewrites it.

use std::path::Path;

use breaker_options::OPTIONS;

const HEAD: &str = "| option | value and limits | default | meaning |\n|---|---|---|---|\n";

/// The table that the declarations make.
fn table() -> String {
    let rows = OPTIONS.iter().map(|entry| {
        let (name, value) = (entry.name, entry.value());
        format!("| `{name}` | {value} | {} | {} |\n", entry.default, entry.meaning)
    });
    HEAD.chars().chain(rows.collect::<String>().chars()).collect()
}

/// Compares the table in that file, which stands where its head does.
#[track_caller]
fn check(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(HEAD).expect("the head of the table");
    let rows = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    let (shown, expected) = (format!("{HEAD}{}", &rest[..rows]), table());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, format!("{before}{expected}{}", &rest[rows..])).unwrap();
    } else {
        assert_eq!(shown, expected, "{file} differs; run this test with UPDATE_EXPECT=1");
    }
}

#[test]
fn the_fuzzers_dictionary_has_every_option() {
    let dictionary = include_str!("../fuzz/text.dict");
    for entry in &OPTIONS {
        assert!(dictionary.contains(&format!("\"{}\"", entry.name)), "{}", entry.name);
    }
}

#[test]
fn the_guide_lists_the_options_as_they_are() {
    check("docs/guide/options.md");
}

#[test]
fn the_documentation_of_the_attribute_lists_the_options_as_they_are() {
    check("breaker-runtime/docs/circuit_breaker.md");
}
