//! Programs that are built apart: with panics that abort (P06), to be used after `main` (G10, G11), with two
//! versions of the runtime (G12), and with conflicts between crates (R22).
//!
//! They are built as their users' would be, without what is only for tests: on the system's clocks.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::process::{Ended, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The settings of the copy of the runtime, for every original.
const OLDER: &str = "0.0.9";

/// Where the programs are, built once.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(build)
}

#[track_caller]
fn run_program(name: &str) -> Ended {
    run(&mut Command::new(programs().join(name).with_extension(env::consts::EXE_EXTENSION)))
}

fn build() -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    let original = Path::new(ROOT).join("tests/lifecycle/programs");
    copy_tree(&original.join("src"), &copy.join("src"));
    let runtime = Path::new(ROOT).join("breaker-runtime");
    let manifest = read(&original.join("Cargo.toml"));
    let from_here = runtime.display().to_string().replace('\\', "/");
    write(&copy.join("Cargo.toml"), &manifest.replace("../../../breaker-runtime", &from_here));
    write(&copy.join("Cargo.lock"), &read(&Path::new(ROOT).join("Cargo.lock")));
    copy_older_runtime(&copy.join("older"));

    let target = copy.join("target");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--offline", "--quiet", "--bins"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", &target)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the programs must build");
    // Where there is a target, they are in a directory of its name; without one, this adds nothing.
    target.join(env::var_os("CARGO_BUILD_TARGET").unwrap_or_default()).join("debug")
}

/// A workspace of the runtime and what it needs alone, with another version.
fn copy_older_runtime(to: &Path) {
    let manifest = read(&Path::new(ROOT).join("Cargo.toml"));
    let mut older =
        "[workspace]\nmembers = [\"breaker-options\", \"breaker-macros\", \"breaker-runtime\"]\n"
            .to_owned();
    older.push_str("resolver = \"3\"\n");
    let mut is_kept = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_kept = line.starts_with("[workspace.");
        }
        if is_kept {
            older.push_str(&line.replace(env!("CARGO_PKG_VERSION"), OLDER));
            older.push('\n');
        }
    }
    write(&to.join("Cargo.toml"), &older);
    for package in ["breaker-options", "breaker-macros", "breaker-runtime"] {
        copy_tree(&Path::new(ROOT).join(package), &to.join(package));
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("it can be listed").path();
        let name = entry.file_name().expect("it is listed by name");
        if entry.is_dir() {
            copy_tree(&entry, &to.join(name));
        } else {
            write(&to.join(name), &read(&entry));
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Leaves a file alone that has that text: what is not new is not built again.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|written| written == text) {
        return;
    }
    fs::create_dir_all(path.parent().expect("it is a file in a directory")).unwrap();
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[test]
fn p06_where_panics_abort_circuits_work_until_one_does() {
    let ended = run_program("aborts");
    assert_eq!(ended.stdout, "2 good, 2 failed, 1 cancelled, 1 refused, 0 in flight\n");
    assert!(ended.stderr.contains("in a guarded body"), "{}", ended.stderr);
    assert!(!ended.status.success());
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        const SIGABRT: i32 = 6;
        assert_eq!(ended.status.signal(), Some(SIGABRT));
    }
}

#[test]
fn g10_g11_circuits_may_be_used_after_main_while_other_threads_use_them_too() {
    for _ in 0..20 {
        let ended = run_program("at_exit");
        ended.assert_success();
        assert_eq!(ended.stdout, "main returns\nafter main: open\nafter main: open\n");
    }
}

#[test]
fn r19_calls_on_the_systems_clocks_are_counted_exactly_and_leave_every_circuit_well() {
    let ended = run_program("storm");
    ended.assert_success();
    assert_eq!(ended.stdout, "160000 calls, all counted, all circuits closed\n");
}

#[test]
fn g12_two_versions_have_two_registries() {
    let ended = run_program("two_versions");
    ended.assert_success();
    assert_eq!(ended.stdout, "3 calls of the newer one, 3 of the older one\n");
}

#[test]
fn r22_of_two_crates_the_first_by_name_decides_whichever_is_called_first() {
    for (program, expected) in [
        ("a_conflict", "decided by of_the_program, not of_the_library\n"),
        ("zz_conflict", "decided by of_the_library, not of_the_program\n"),
    ] {
        let ended = run_program(program);
        ended.assert_success();
        assert_eq!(ended.stdout, expected);
    }
}
