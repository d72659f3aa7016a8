//! Options that need or limit one another, as far as literals tell. The compiler checks constants.

use std::mem;

use breaker_options::{BOUNDS, Bound, Entry, OPTIONS, Scope};
use syn::{Error, Lit};

use crate::args::value::{literal, peel};
use crate::args::{Args, Errors};

/// Options that need another one, and literals that contradict each other.
pub(super) fn check_companions(args: &Args, errors: &mut Errors) {
    // Only the compiler knows which options `config` states.
    let is_all_here = !args.mentions("config");
    for Entry { name: option, needs: companion, .. } in &OPTIONS {
        let is_known = is_all_here || is_of_the_function(option) || is_of_the_function(companion);
        let lacks_it = !companion.is_empty() && !args.mentions(companion);
        if args.get(option).is_some() && lacks_it && is_known {
            let message = format!("`{option}` needs `{companion}`");
            errors.push(Error::new(args.span_of(option), message));
        }
    }
    for Bound { option, is_most, by, problem } in BOUNDS {
        let (Some(value), Some(limit)) = (amount(args, option), amount(args, by)) else {
            continue;
        };
        let is_beyond = if *is_most { value > limit } else { value < limit };
        let same_kind = mem::discriminant(&value) == mem::discriminant(&limit);
        if same_kind && is_beyond {
            let message = format!("`{option}` {problem}, {limit}");
            let value = args.get(option).map(|arg| &arg.value);
            errors.push(Error::new_spanned(value, message));
        }
    }
}

/// Whether no `Config` can state it.
fn is_of_the_function(option: &str) -> bool {
    breaker_options::find(option).is_some_and(|entry| entry.scope == Scope::Function)
}

/// The value of an option if it can be read here and is in range: a literal, or the default.
fn amount(args: &Args, option: &str) -> Option<breaker_options::Value> {
    let entry = breaker_options::find(option)?;
    match args.get(option).map(|arg| literal(peel(&arg.value))) {
        Some(Some((false, Lit::Int(int)))) => entry.read(int.base10_digits()).ok(),
        Some(Some((false, Lit::Str(text)))) => {
            let read = entry.read(&text.value()).ok();
            read.filter(|value| matches!(value, breaker_options::Value::Duration(_)))
        }
        None if !args.mentions(option) && !args.mentions("config") => {
            entry.read(entry.default).ok()
        }
        _ => None,
    }
}
