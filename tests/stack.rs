//! How much stack a guarded function takes, for recursive functions.
//!
//! The limits have room for what feature `test-util` adds in a build without optimizations, some 160 bytes a level:
//! these tests are built with it.
//!
//! Measured as the distance between locals of the first and the last level. The figures are those of builds
//! without optimizations, where they matter most; `cargo test --test stack -- --nocapture` shows them.
#![cfg(debug_assertions)]
#![allow(
    clippy::large_types_passed_by_value,
    clippy::only_used_in_recursion,
    reason = "what is measured is a large argument on its way down"
)]

use breaker_runtime::circuit_breaker;

const LEVELS: usize = 100;

/// Bytes a level, given what tells the address of a local that many levels down.
fn per_level(run: impl Fn(usize) -> usize) -> usize {
    run(0).abs_diff(run(LEVELS)) / LEVELS
}

fn address(local: &u8) -> usize {
    std::ptr::from_ref(local) as usize
}

/// As large as some arguments are.
struct Large([u8; 512]);

fn bare(level: usize) -> Option<usize> {
    let local = 0;
    if level == 0 { Some(address(&local)) } else { bare(level - 1) }
}

#[circuit_breaker(name = "stack.plain")]
fn plain(level: usize) -> Option<usize> {
    let local = 0;
    if level == 0 { Some(address(&local)) } else { plain(level - 1) }
}

#[circuit_breaker(name = "stack.early")]
fn early(level: usize) -> Option<usize> {
    let local = 0;
    if level == 0 {
        return Some(address(&local));
    }
    early(level - 1)
}

fn bare_large(level: usize, large: Large) -> Option<usize> {
    let local = 0;
    if level == 0 { Some(address(&local)) } else { bare_large(level - 1, large) }
}

#[circuit_breaker(name = "stack.large")]
fn plain_large(level: usize, large: Large) -> Option<usize> {
    let local = 0;
    if level == 0 { Some(address(&local)) } else { plain_large(level - 1, large) }
}

#[circuit_breaker(name = "stack.array")]
fn plain_array(level: usize, large: [u8; 512]) -> Option<usize> {
    let local = 0;
    if level == 0 { Some(address(&local)) } else { plain_array(level - 1, large) }
}

#[circuit_breaker(name = "stack.early_large")]
fn early_large(level: usize, large: Large) -> Option<usize> {
    let local = 0;
    if level == 0 {
        return Some(address(&local));
    }
    early_large(level - 1, large)
}

/// Fails if a level takes more than the limit.
#[track_caller]
fn check(what: &str, limit: usize, run: impl Fn(usize) -> Option<usize>) {
    let bytes = per_level(|level| run(level).expect("every level succeeds"));
    println!("{what}: {bytes} bytes a level");
    assert!(bytes <= limit, "{what}: {bytes} bytes a level, and {limit} are allowed");
}

#[test]
fn a_level_of_recursion_takes_little_stack() {
    let large = || Large([1; 512]);
    assert_eq!(large().0.len(), 512);
    check("bare", 100, bare);
    check("guarded", 600, plain);
    check("guarded, with `return`", 700, early);
    check("bare, 512 bytes of argument", 650, |level| bare_large(level, large()));
    check("guarded, 512 bytes of argument", 1150, |level| plain_large(level, large()));
    check("guarded, an array of 512 bytes", 1150, |level| plain_array(level, [1; 512]));
    check("guarded, with `return`, 512 bytes of argument", 2800, |level| {
        early_large(level, large())
    });
}
