//! Every relative link of the documents leads to a file, and to a heading of it.

use std::fs;
use std::path::{Path, PathBuf};

/// The Markdown files of the repository, without what builds and packages leave behind.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && !["target", "node_modules"].contains(&name) {
            found.extend(documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

/// The targets of a line's links, without those to other sites.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains("::"))
}

/// What is wrong with the links of a document.
fn broken(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).expect("a document");
    let mut broken = Vec::new();
    for target in prose(&text).flat_map(links) {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = match file {
            "" => document.to_owned(),
            _ => document.with_file_name("").join(file),
        };
        let is_there = path.exists()
            && (heading.is_empty()
                || fs::read_to_string(&path).is_ok_and(|text| {
                    prose(&text).any(|line| line.starts_with('#') && anchor(line) == heading)
                }));
        if !is_there {
            broken.push(format!("{}: {target}", document.display()));
        }
    }
    broken
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(documents.len() > 30);
    // Documentation of items is read by rustdoc, which checks its links.
    let documents = documents.iter().filter(|it| !it.starts_with(rustdoc()));
    let broken: Vec<_> = documents.flat_map(|document| broken(document)).collect();
    assert!(broken.is_empty(), "these lead nowhere:\n{}", broken.join("\n"));
}

fn rustdoc() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("breaker-runtime/docs")
}

#[test]
fn the_guides_index_has_every_page() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide");
    let index = fs::read_to_string(guide.join("README.md")).expect("the index");
    for page in documents(&guide) {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(
            name == "README.md" || index.contains(&format!("]({name})")),
            "{name} is not in it"
        );
    }
}

#[test]
fn the_readme_fits_on_two_screens() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    assert!(readme.expect("the README").lines().count() <= 180);
}

#[test]
fn a_heading_becomes_an_anchor() {
    assert_eq!(anchor("## The facade `metrics`"), "the-facade-metrics");
    assert_eq!(anchor("# Why is it open?"), "why-is-it-open");
    assert_eq!(
        links("[a](b.md#c) and [d](https://e), ![f](g.png)").collect::<Vec<_>>(),
        ["b.md#c", "g.png"]
    );
}
