//! Every path that the documents for contributors name exists.

use std::fs;
use std::path::{Path, PathBuf};

fn is_source(word: &str) -> bool {
    std::path::Path::new(word).extension().is_some_and(|extension| extension == "rs")
}

/// Endings that make a single word a path.
const ENDINGS: [&str; 6] = [".rs", ".md", ".toml", ".html", ".json", ".mjs"];

fn is_path(word: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-./".contains(char);
    let is_file = ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
    word.chars().all(is_plain) && (word.contains('/') || is_file)
}

/// The text between one backtick and the next.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The paths in a document that exist neither below `root` nor below a folder that a heading above them names.
fn missing(root: &Path, text: &str) -> Vec<String> {
    let mut folders: Vec<(usize, PathBuf)> = Vec::new();
    let mut is_code = false;
    let mut missing = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = if line.starts_with("```") {
            is_code = !is_code;
            continue;
        } else if is_code {
            line.split_whitespace().filter(|word| is_source(word)).collect()
        } else {
            quoted(line).collect()
        };
        if line.starts_with('#') && !is_code {
            let level = line.chars().take_while(|char| *char == '#').count();
            folders.retain(|(above, _)| *above < level);
            let named = quoted(line).filter(|word| is_path(word)).map(|it| (level, root.join(it)));
            folders.extend(named);
        }
        for word in words.into_iter().filter(|word| is_path(word)) {
            let mut places = folders.iter().map(|(_, folder)| folder.join(word));
            if !root.join(word).exists() && !places.any(|place| place.exists()) {
                missing.push(format!("{}: {word}", number + 1));
            }
        }
    }
    missing
}

#[track_caller]
fn check(document: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(document)).expect("a document");
    let missing = missing(root, &text);
    assert!(missing.is_empty(), "{document} names what does not exist:\n{}", missing.join("\n"));
}

#[test]
fn every_path_of_the_architecture_exists() {
    check("ARCHITECTURE.md");
}

#[test]
fn every_path_of_the_other_documents_exists() {
    for document in ["CONTRIBUTING.md", "docs/concurrency.md", "docs/reliability.md"] {
        check(document);
    }
}

#[test]
fn every_file_that_mutants_are_made_of_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(".cargo/mutants.toml")).expect("the configuration");
    let files: Vec<&str> = text.split('"').filter(|word| is_source(word)).collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(root.join(file).exists(), "{file} does not exist");
    }
}

#[test]
fn a_path_is_sought_below_the_root_and_below_the_folder_of_its_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = "`README.md` and `words.rs`\n## In `breaker-options/src/`\n`words.rs`, `NAME`\n### Below\n\
                ```text\n  WORD  words.rs\n  TABLE tables.rs\n```\n## Elsewhere\n`tests/nowhere`\n";
    assert_eq!(missing(root, text), ["1: words.rs", "7: tables.rs", "10: tests/nowhere"]);
}
