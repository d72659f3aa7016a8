//! Any text as a duration, and any duration as text.
#![no_main]

use std::time::Duration;

use breaker_fuzz_attribute::circuit_breaker;
use breaker_runtime::fuzzing::readable;
use libfuzzer_sys::fuzz_target;
use proc_macro2::{Literal, TokenStream, TokenTree};

fuzz_target!(|bytes: &[u8]| {
    let (seconds, text) = bytes.split_first_chunk::<8>().unwrap_or((&[0; 8], bytes));
    show(Duration::from_nanos(u64::from_le_bytes(*seconds)));
    show(Duration::from_secs(u64::from_le_bytes(*seconds)));
    if let Ok(text) = str::from_utf8(text) {
        read(text);
    }
});

fn show(length: Duration) {
    let text = readable(length);
    let read = humantime::parse_duration(&text).expect("what is shown can be read");
    assert!(read.abs_diff(length) <= length / 20, "{length:?} is shown as {text}");
}

fn read(text: &str) {
    let value = TokenTree::from(Literal::string(text));
    let mut args = "name = \"prices\", cooldown = ".parse::<TokenStream>().expect("tokens");
    args.extend([value]);
    let item = "fn price() -> Option<u8> { None }".parse().expect("tokens");
    let guarded = circuit_breaker(args, &item).to_string();
    match humantime::parse_duration(text) {
        Ok(length) if !length.is_zero() => {
            let (seconds, nanos) = (length.as_secs(), length.subsec_nanos());
            let stated = format!("Duration :: new ({seconds}u64 , {nanos}u32)");
            assert!(guarded.contains(&stated), "{text:?} gives {guarded}");
        }
        _ => assert!(guarded.contains("compile_error"), "{text:?} gives {guarded}"),
    }
}
