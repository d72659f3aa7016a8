//! What the options require of the function.

use breaker_options::Takes;
use proc_macro2::Span;
use syn::{Error, Expr};

use super::fallback::Fallback;
use super::{failure_after, not_a_name, word};
use crate::args::value::peel;
use crate::args::{Args, Errors};
use crate::function::{Function, Receiver};
use crate::spans::spanning;

/// Checks the options against the function.
pub(super) fn check_against(
    args: &Args,
    function: &Function,
    only_rejected: bool,
    errors: &mut Errors,
) {
    check_kind(args, function, errors);
    check_endless(args, function, errors);
    check_stream(args, function, errors);
    check_failures(args, errors);
    if only_rejected && function.output.is_infallible && args.mentions("call_timeout") {
        let message = "a call that timed out has nothing to return, as the fallback answers refused calls \
                       only; remove `fallback_on = rejected`";
        errors.push(Error::new(args.span_of("call_timeout"), message));
    }
    for option in ["failure_if", "ignore_if", "open_for", "describe_error"] {
        let Some(arg) = args.get(option) else {
            continue;
        };
        let error = match peel(&arg.value) {
            Expr::Closure(closure) if closure.inputs.len() != 1 => {
                let seen = if option == "failure_if" { "the returned value" } else { "the error" };
                format!(
                    "`{option}` is asked about one thing, {seen}: its closure takes one argument"
                )
            }
            Expr::Lit(_) | Expr::Array(_) | Expr::Tuple(_) => {
                format!("`{option}` takes a closure or the path of a function")
            }
            _ => continue,
        };
        errors.push(Error::new_spanned(&arg.value, error));
    }
    check_constants_against(args, function, errors);
    if function.output.is_infallible && !args.mentions("fallback") {
        errors.push(cannot_refuse(function));
    }
    check_bounds(function, errors);
    check_configured_arguments(args, function, errors);
    check_caller(function, errors);
}

/// A stream that nobody would watch.
pub(super) fn check_watched(function: &Function) -> syn::Result<()> {
    let message = if function.resolves_to_stream() {
        "a stream is guarded where it is returned: write the function without `async`; or return a `Result` with the \
         stream in it, to guard only how it is made"
    } else if function.returns_stream() && cfg!(not(feature = "stream")) {
        "a stream is guarded by the feature `stream` of breaker-runtime, which is off; without it nobody would watch the \
         items. If it is no stream, return an alias whose name does not end in `Stream`"
    } else {
        return Ok(());
    };
    Err(Error::new(function.output.declared.name, message))
}

/// What means nothing for a stream.
fn check_stream(args: &Args, function: &Function, errors: &mut Errors) {
    if !function.returns_stream() {
        return;
    }
    if args.get("call_timeout").is_some() {
        let message = "`call_timeout` is for one answer, and a stream has many: limit the time between items where you \
                       read them, or use `slow_call` for streams that last too long";
        errors.push(Error::new(args.span_of("call_timeout"), message));
    }
    for option in ["open_for", "describe_error"] {
        if args.get(option).is_some() {
            let message = format!(
                "`{option}` asks the one error that a function returns, and a stream has many: return a `Result` with the \
                 stream in it, to ask how it is made"
            );
            errors.push(Error::new(args.span_of(option), message));
        }
    }
    if word(args, "fallback_on").is_ok_and(|on| on == Some("any")) {
        let message = "the fallback of a stream answers refused calls only: an item that failed goes to the reader; \
                       remove `fallback_on`";
        errors.push(Error::new(args.span_of("fallback_on"), message));
    }
}

/// Only panics count, or something else does.
fn check_failures(args: &Args, errors: &mut Errors) {
    let contradicts = ["failure_if", "ignore_if", "open_for", "describe_error"].into_iter();
    for option in
        contradicts.filter(|option| args.get("failures").is_some() && args.get(option).is_some())
    {
        let what = match option {
            "open_for" | "describe_error" => "asks the errors of failures",
            _ => "decides which results are failures",
        };
        let message = format!(
            "`{option}` {what}, and `failures = panics` says that no result is one; keep one"
        );
        errors.push(Error::new(args.span_of(option), message));
    }
}

/// For types that visibly cannot hold an error. The compiler checks the others.
pub(super) fn check_opens(args: &Args, function: &Function, errors: &mut Errors) {
    let output = &function.output;
    if !(output.is_infallible && output.is_value && args.mentions("fallback")) {
        return;
    }
    let may_time_out = function.is_async() && !function.returns_stream() && output.ty.is_some();
    let timeout = if may_time_out { "`call_timeout`, " } else { "" };
    let here = if args.mentions("config") { " beside `config`" } else { "" };
    let message = format!(
        "{} {}, so no call is a failure and the circuit never opens; say what counts{here}: `failure_if`, `slow_call`, \
         {timeout}`hung_after`, or `failures = panics` if only panics do; or, to limit calls only, `max_concurrent`",
        subject(function),
        returned(function),
    );
    errors.push(spanning(output.blame, &message));
}

/// The values that cannot hold an error, as a sentence begins.
fn subject(function: &Function) -> String {
    let name = &function.signature.ident;
    if function.returns_stream() {
        format!("the items of `{name}` are")
    } else {
        format!("`{name}` returns")
    }
}

/// What a type visibly is that cannot hold an error.
fn returned(function: &Function) -> &'static str {
    match &function.output.ty {
        Some(syn::Type::Tuple(unit)) if unit.elems.is_empty() => "nothing",
        _ => "no `Result` or `Option`",
    }
}

/// A guarded future is an async block, so it only implements what async blocks do.
fn check_bounds(function: &Function, errors: &mut Errors) {
    let unmet = function.output.declared.unmet.iter().filter(|_| function.returns_future());
    for bound in unmet {
        let message = if function.returns_stream() {
            format!("a guarded stream is never `{bound}`; remove the bound")
        } else {
            format!(
                "a guarded future is an async block, which is never `{bound}`; remove the bound, or guard the function \
                 whose future this one awaits"
            )
        };
        errors.push(Error::new(bound.span(), message));
    }
}

/// A closure is its own caller. A body that becomes one loses the caller's location.
fn check_caller(function: &Function, errors: &mut Errors) {
    if let Some(track_caller) = function.track_caller().filter(|_| !function.can_track_caller()) {
        let message = if function.is_async() {
            "`#[track_caller]` cannot be kept on an async function when it is guarded; \
             move the part that tracks its caller into a sync function"
        } else {
            "`#[track_caller]` cannot be kept when this function is guarded: its body may leave early, so it runs \
             in a closure; write it without `return`, `?` and macros that are not of the standard library, \
             or move it into a function of its own"
        };
        errors.push(Error::new_spanned(track_caller, message));
    } else if function.is_indexing() && !function.runs_in_place() {
        let message = "`Index` has `#[track_caller]` methods, and this body would lose the caller: it may leave \
                       early, so it runs in a closure; write it without `return`, `?` and macros that are not \
                       of the standard library, or guard the function that it calls";
        errors.push(Error::new(function.signature.ident.span(), message));
    }
}

/// A call cannot omit an argument by `#[cfg]`. A function that is called with the same arguments needs all of
/// them.
fn check_configured_arguments(args: &Args, function: &Function, errors: &mut Errors) {
    let fallback = args.get("fallback").map(|arg| peel(&arg.value));
    if !matches!(fallback, Some(Expr::Path(_))) && !function.is_called_inside() {
        return;
    }
    let configured = function.arguments.iter().flat_map(|argument| &argument.attrs);
    if let Some(attr) = configured.into_iter().find(|attr| attr.path().is_ident("cfg")) {
        let message = "an argument that may be missing cannot be forwarded to the fallback, nor kept with \
                       `#[track_caller]`; call the fallback in a closure: `fallback = |_| my_function(..)`";
        errors.push(Error::new_spanned(attr, message));
    }
}

/// A call that never returns has no value to wait for.
fn check_endless(args: &Args, function: &Function, errors: &mut Errors) {
    if function.output.ty.is_none() && args.mentions("call_timeout") {
        let message = "`call_timeout` needs a function that returns; this one never does";
        errors.push(Error::new(args.span_of("call_timeout"), message));
    }
}

/// Some options are for async functions only, and some need a timer.
fn check_kind(args: &Args, function: &Function, errors: &mut Errors) {
    const ASYNC: [(&str, &str); 2] = [
        ("on_cancel", "a sync call cannot be cancelled"),
        ("call_timeout", "a sync call cannot be stopped"),
    ];
    let mut complain = |option, message| errors.push(Error::new(args.span_of(option), message));
    if !function.is_async() {
        let meant = ASYNC.iter().filter(|(option, _)| args.get(option).is_some());
        for (option, why) in meant {
            complain(option, format!("`{option}` is for async functions: {why}"));
        }
    } else if cfg!(not(feature = "tokio")) {
        let timed = ["call_timeout", "max_wait"].into_iter();
        for option in timed.filter(|option| args.get(option).is_some()) {
            let message = "of an async function needs the feature `tokio` of breaker-runtime";
            complain(option, format!("`{option}` {message}"));
        }
    }
}

/// Options are the same for every call and every instance of the function. Arguments differ between calls,
/// and generics between instances.
fn check_constants_against(args: &Args, function: &Function, errors: &mut Errors) {
    let names =
        || function.arguments.iter().flat_map(|argument| &argument.names).map(|name| &name.ident);
    for arg in &args.given {
        let is_setting = !matches!(
            arg.takes,
            Takes::Predicate
                | Takes::Fallback
                | Takes::Key
                | Takes::Word(_)
                | Takes::Mode
                | Takes::Policy
                | Takes::CratePath
        );
        let (value, is_setting) = match failure_after(peel(&arg.value)) {
            Some(Ok(after)) if arg.option == "on_cancel" => (after, true),
            _ => (&arg.value, is_setting),
        };
        if !is_setting {
            continue;
        }
        let (option, value) = (arg.option, peel(value));
        if let Expr::Path(path) = value
            && let Some(name) = names().find(|name| path.path.is_ident(*name))
        {
            let way_out = match arg.takes {
                Takes::Name => {
                    format!("use a constant, or `key = {name}` for one circuit per value")
                }
                _ => "use a constant".to_owned(),
            };
            let message = format!(
                "`{option}` is evaluated at compile time and cannot use arguments; {way_out}"
            );
            errors.push(Error::new_spanned(path, message));
        } else if let Some(parameter) = function.parameter_in(value) {
            let message = format!(
                "`{option}` is the same for every `{parameter}`: use a constant that does not depend on it"
            );
            errors.push(Error::new_spanned(value, message));
        } else if arg.takes == Takes::Name
            && let Expr::Path(path) = value
            && let Some(word) = path.path.get_ident()
            && !word.to_string().contains(char::is_uppercase)
        {
            // Constants are not called that. One that is can be written as a path: `self::prices`.
            errors.push(not_a_name(value, &word.to_string()));
        }
    }
}

/// For types that visibly cannot hold an error. The compiler checks the others.
fn cannot_refuse(function: &Function) -> Error {
    let way_out = if function.returns_stream() {
        "yield `Result` items whose error"
    } else {
        "return a `Result` whose error"
    };
    let message = format!(
        "{} {}, so a refused call cannot be told from a good one; give a `fallback`, \
         or {way_out} implements `From<breaker_runtime::Rejected>`",
        subject(function),
        returned(function),
    );
    spanning(function.output.blame, &message)
}

/// `self` cannot be renamed. So a fallback that runs after the body cannot have a copy of an owned one,
/// unless it is a function that takes it as an argument.
pub(super) fn check_kept_self(
    function: &Function,
    fallback: &Fallback,
    only_rejected: bool,
) -> syn::Result<()> {
    if only_rejected || function.output.is_infallible || matches!(fallback, Fallback::Path(_)) {
        return Ok(());
    }
    match function.receiver {
        Some(Receiver::Owned) if fallback.mentions_self() => Err(Error::new(
            function.self_span().unwrap_or_else(Span::call_site),
            "the call consumes `self`, so the fallback cannot use it; \
             take `&self`, name a function as the fallback, or set `fallback_on = rejected`",
        )),
        _ => Ok(()),
    }
}
