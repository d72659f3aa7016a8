//! The documentation lists the options that exist, no more and no fewer.

/// The options, in the order of the code.
fn options() -> Vec<&'static str> {
    let source = include_str!("../breaker-macros/src/options.rs");
    let (_, table) = source.split_once("const OPTIONS").expect("the table of options");
    let (table, _) = table.split_once("];").expect("the end of the table");
    table.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next()).collect()
}

/// The first column of the table whose head begins with `| option |`.
fn documented(text: &'static str) -> Vec<&'static str> {
    let rows = text.lines().skip_while(|line| !line.starts_with("| option |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('`').nth(1)).collect()
}

#[test]
fn the_readme_lists_every_option() {
    assert_eq!(documented(include_str!("../README.md")), options());
}

#[test]
fn the_documentation_of_the_attribute_lists_every_option() {
    let attribute = include_str!("../breaker-runtime/docs/circuit_breaker.md");
    assert_eq!(documented(attribute), options());
}

#[test]
fn both_tables_say_the_same() {
    let rows = |text: &'static str| {
        let rows = text.lines().skip_while(|line| !line.starts_with("| option |")).skip(2);
        let rows = rows.take_while(|line| line.starts_with('|'));
        // The last column may be worded for its reader; values, limits and defaults may not.
        rows.map(|row| row.rsplitn(3, '|').last().unwrap_or(row)).collect::<Vec<_>>()
    };
    let readme = rows(include_str!("../README.md"));
    assert_eq!(readme, rows(include_str!("../breaker-runtime/docs/circuit_breaker.md")));
}
