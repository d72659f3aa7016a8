//! Any text as the attribute's arguments, and on the lines below any text as what it stands on.
#![no_main]

use breaker_fuzz::{check, tokens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (args, item) = text.split_once('\n').unwrap_or((text, "fn price() -> Option<u8> { None }"));
    if let (Some(args), Some(item)) = (tokens(args), tokens(item)) {
        check(args, &item);
    }
});
