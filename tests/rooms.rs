//! Every source file stands in a room, and no room knows one above it.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of a crate, from the ground up.
type Rooms = [&'static str];

const RUNTIME: &Rooms =
    &["settings", "rules", "circuit", "report", "registry", "export", "attribute", "testing"];
const MACROS: &Rooms = &["spans", "args", "function", "spec", "expand", "guard", "tests"];
const DASHBOARD: &Rooms =
    &["shutdown", "gzip", "answer", "access", "watch", "routes", "server", "dashboard"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The floor of the room that a file below `src` stands in.
fn floor(rooms: &Rooms, file: &Path) -> Option<usize> {
    let first = file.iter().next()?.to_str()?;
    rooms.iter().position(|room| *room == first.trim_end_matches(".rs"))
}

/// What is wrong with a file, line by line.
fn complaints(rooms: &Rooms, file: &Path, text: &str) -> Vec<String> {
    let Some(own) = floor(rooms, file) else {
        return vec![format!("{} stands in no room", file.display())];
    };
    let mut complaints = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // Paths count wherever they are written, but for those of documentation.
        let code = line.split("//").next().unwrap_or_default();
        for path in code.split("crate::").skip(1) {
            let name: String =
                path.chars().take_while(|char| *char == '_' || char.is_alphanumeric()).collect();
            let above = rooms.iter().position(|room| *room == name).filter(|floor| *floor > own);
            if let Some(above) = above {
                let (file, number) = (file.display(), number + 1);
                complaints
                    .push(format!("{file}:{number}: {} is above {}", rooms[above], rooms[own]));
            }
        }
    }
    complaints
}

/// What is wrong with the sources of a crate.
fn complaints_about(name: &str, rooms: &Rooms) -> Vec<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("src");
    let mut wrong = Vec::new();
    for file in sources(&src) {
        let text = fs::read_to_string(&file).expect("a source file");
        let file = file.strip_prefix(&src).expect("a file below it");
        // The table of contents.
        if file != Path::new("lib.rs") {
            wrong.extend(complaints(rooms, file, &text));
        }
    }
    wrong
}

#[test]
fn no_room_of_the_runtime_knows_one_above_it() {
    let wrong = complaints_about("breaker-runtime", RUNTIME);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_of_the_macros_knows_one_above_it() {
    let wrong = complaints_about("breaker-macros", MACROS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_of_the_dashboard_knows_one_above_it() {
    let wrong = complaints_about("breaker-dashboard", DASHBOARD);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_arrow_up_and_a_file_in_no_room_are_found() {
    let up = complaints(
        RUNTIME,
        Path::new("rules/machine.rs"),
        "use std::fmt;\nuse crate::circuit::Permit;\n",
    );
    assert_eq!(up, ["rules/machine.rs:2: circuit is above rules"]);
    let down = complaints(
        RUNTIME,
        Path::new("registry.rs"),
        "use crate::{circuit, rules};\nuse crate::settings::Name;\n",
    );
    assert!(down.is_empty());
    let outside = complaints(RUNTIME, Path::new("helpers/text.rs"), "");
    assert_eq!(outside, ["helpers/text.rs stands in no room"]);
}
