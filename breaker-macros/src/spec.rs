//! What the user meant: values checked, conflicts found, defaults filled.

use std::mem;

use breaker_options::{BOUNDS, Bound, Entry, OPTIONS, Scope, Takes, problem_of_name};
use proc_macro2::Span;
use quote::ToTokens as _;
use syn::{Error, Expr, Lit, Path};

use crate::args::{Args, Errors};
use crate::fallback::Fallback;
use crate::signature::{Function, Receiver};
use crate::spans::spanning;
use crate::value::{Value, is_text, known, limit, literal, peel, value};

/// A checked attribute. Nothing in it can be wrong any more, except for constants, which the compiler
/// evaluates.
pub(crate) struct Spec {
    pub(crate) name: Value,
    /// The options that the circuit begins with.
    pub(crate) config: Option<Value>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) failure_if: Option<Expr>,
    pub(crate) ignore_if: Option<Predicate>,
    pub(crate) on_cancel: OnCancel,
    pub(crate) call_timeout: Option<Value>,
    pub(crate) fallback: Option<Fallback>,
    /// The fallback answers refusals only.
    pub(crate) only_rejected: bool,
    pub(crate) key: Option<Expr>,
    pub(crate) max_keys: Option<Value>,
    /// Where the runtime is, if not where it usually is.
    pub(crate) krate: Option<Path>,
}

/// What a future counts as that is dropped before it is done.
pub(crate) enum OnCancel {
    Ignore,
    Failure,
    FailureAfter(Value),
}

pub(crate) struct Predicate {
    /// Where the option's name is.
    pub(crate) key: Span,
    pub(crate) value: Expr,
}

/// An option that belongs to the circuit, and so to its `Config`.
pub(crate) struct Setting {
    pub(crate) option: &'static str,
    pub(crate) value: Value,
    /// The setter, unless only the type of the value tells.
    pub(crate) setter: Option<&'static str>,
}

impl Spec {
    /// Checks everything that can be checked, and reports all that is wrong at once.
    pub(crate) fn check(
        mut args: Args,
        function: syn::Result<Function>,
    ) -> syn::Result<(Self, Function)> {
        let mut errors = std::mem::take(&mut args.errors);
        let name = errors.keep(name(&args)).flatten();
        let mut settings = settings(&args, &mut errors);
        check_pairs(&args, &mut errors);
        let on_cancel = errors.keep(on_cancel(&args)).unwrap_or(OnCancel::Ignore);
        let fallback_on = errors.keep(word(&args, "fallback_on")).flatten();
        let only_rejected = fallback_on.is_some_and(|word| word == "rejected");
        let function = errors.keep(function);
        let fallback = function.as_ref().and_then(|function| {
            check_against(&args, function, only_rejected, &mut errors);
            let fallback = args.get("fallback")?;
            errors.keep(Fallback::check(peel(&fallback.value), function))
        });
        if let (Some(function), Some(fallback)) = (&function, &fallback) {
            let _ = errors.keep(check_kept_self(function, fallback, only_rejected));
        }
        errors.done()?;
        let (Some(name), Some(function)) = (name, function) else {
            return Err(Error::new(Span::call_site(), "the attribute could not be read"));
        };
        let expr = |option| args.get(option).map(|arg| peel(&arg.value).clone());
        let mut of_the_site = |option| {
            let at = settings.iter().position(|setting: &Setting| setting.option == option)?;
            Some(settings.remove(at).value)
        };
        let call_timeout = of_the_site("call_timeout");
        let max_keys = of_the_site("max_keys");
        let config = of_the_site("config");
        let spec = Self {
            name,
            config,
            failure_if: expr("failure_if"),
            ignore_if: expr("ignore_if")
                .map(|value| Predicate { key: args.span_of("ignore_if"), value }),
            on_cancel,
            only_rejected: only_rejected
                || (function.output.is_infallible && call_timeout.is_none()),
            call_timeout,
            fallback,
            key: expr("key"),
            max_keys,
            krate: match expr("crate") {
                Some(Expr::Path(path)) => Some(path.path),
                _ => None,
            },
            settings,
        };
        Ok((spec, function))
    }
}

fn settings(args: &Args, errors: &mut Errors) -> Vec<Setting> {
    let mut settings = Vec::new();
    for arg in &args.given {
        let Some(value) = errors.keep(value(arg)).flatten() else { continue };
        let setter = match arg.takes {
            Takes::Window if is_text(peel(&arg.value)) => Some("time_window"),
            Takes::Window if value.is_constant => None,
            Takes::Window => Some("count_window"),
            _ => Some(arg.option),
        };
        settings.push(Setting { option: arg.option, value, setter });
    }
    settings
}

fn name(args: &Args) -> syn::Result<Option<Value>> {
    let Some(arg) = args.get("name") else {
        if args.mentions("name") {
            return Ok(None);
        }
        let message = "the circuit needs a name: write `#[circuit_breaker(name = \"payments\")]`";
        return Err(Error::new(Span::call_site(), message));
    };
    let value = peel(&arg.value);
    let checked = match literal(value) {
        Some((false, Lit::Str(name))) => match problem_of_name(&name.value(), args.mentions("key"))
        {
            Some(problem) => {
                return Err(Error::new(name.span(), format!("`name` {problem}")));
            }
            None => Some(name.to_token_stream()),
        },
        Some(_) => return Err(not_a_name(value, "payments")),
        None => None,
    };
    known("name", value, checked).map(Some)
}

fn on_cancel(args: &Args) -> syn::Result<OnCancel> {
    let value = args.get("on_cancel").map(|arg| peel(&arg.value));
    if let Some(after) = value.and_then(failure_after) {
        return after.and_then(|after| limit("failure_after", after)).map(OnCancel::FailureAfter);
    }
    let word = word(args, "on_cancel")?;
    Ok(if word == Some("failure") { OnCancel::Failure } else { OnCancel::Ignore })
}

/// The duration in `failure_after(..)`; `None` if it is something else.
fn failure_after(value: &Expr) -> Option<syn::Result<&Expr>> {
    let names_it =
        |path: &Expr| matches!(path, Expr::Path(it) if it.path.is_ident("failure_after"));
    let duration = match value {
        Expr::Call(call) if names_it(&call.func) => {
            call.args.first().filter(|_| call.args.len() == 1)
        }
        _ if names_it(value) => None,
        _ => return None,
    };
    let message = "`failure_after` takes one duration: write `failure_after(\"80ms\")`";
    Some(duration.ok_or_else(|| Error::new_spanned(value, message)))
}

fn word(args: &Args, option: &'static str) -> syn::Result<Option<&'static str>> {
    let Some(arg) = args.get(option) else {
        return Ok(None);
    };
    let Takes::Word(choices) = arg.takes else {
        return Ok(None);
    };
    let (written, quoted) = match (peel(&arg.value), literal(peel(&arg.value))) {
        (Expr::Path(path), _) => (path.path.get_ident().map(ToString::to_string), false),
        (_, Some((false, Lit::Str(text)))) => (Some(text.value()), true),
        _ => (None, false),
    };
    let chosen = choices.iter().copied().find(|choice| written.as_deref() == Some(*choice));
    let message = match chosen {
        Some(word) if quoted => format!("`{option}` takes a word; write `{word}` without quotes"),
        Some(word) => return Ok(Some(word)),
        None => format!("`{option}` is {}", arg.takes),
    };
    Err(Error::new_spanned(&arg.value, message))
}

/// Options that need another one, and literals that contradict each other.
fn check_pairs(args: &Args, errors: &mut Errors) {
    // What `config` states, only the compiler knows.
    let is_all_here = !args.mentions("config");
    for Entry { name: option, needs: companion, scope, .. } in &OPTIONS {
        let is_known = is_all_here || *scope == Scope::Function;
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

/// What the options ask of the function.
fn check_against(args: &Args, function: &Function, only_rejected: bool, errors: &mut Errors) {
    check_kind(args, function, errors);
    check_endless(args, function, errors);
    if only_rejected && function.output.is_infallible && args.mentions("call_timeout") {
        let message = "a call that timed out has nothing to return, as the fallback answers refused calls \
                       only; remove `fallback_on = rejected`";
        errors.push(Error::new(args.span_of("call_timeout"), message));
    }
    for option in ["failure_if", "ignore_if"] {
        let Some(arg) = args.get(option) else {
            continue;
        };
        let error = match peel(&arg.value) {
            Expr::Closure(closure) if closure.inputs.len() != 1 => {
                let seen = if option == "ignore_if" { "the error" } else { "the returned value" };
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

/// A guarded future is none of the function's own making, and has only what every such future has.
fn check_bounds(function: &Function, errors: &mut Errors) {
    let unmet = function.output.declared.unmet.iter().filter(|_| function.returns_future());
    for bound in unmet {
        let message = format!(
            "a guarded future is an async block, which is never `{bound}`; remove the bound, or guard the function \
             whose future this one awaits"
        );
        errors.push(Error::new(bound.span(), message));
    }
}

/// A closure is its own caller. So a body that has to become one loses the location of the function's caller.
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

/// A call cannot leave an argument out by `#[cfg]`, so what is called with the function's own arguments
/// must have them all.
fn check_configured_arguments(args: &Args, function: &Function, errors: &mut Errors) {
    let fallback = args.get("fallback").map(|arg| peel(&arg.value));
    if !matches!(fallback, Some(Expr::Path(_))) && !function.is_called_inside() {
        return;
    }
    let configured = function.arguments.iter().flat_map(|argument| &argument.attrs);
    if let Some(attr) = configured.into_iter().find(|attr| attr.path().is_ident("cfg")) {
        let message = "an argument that may be missing cannot be handed on to the fallback, nor kept with \
                       `#[track_caller]`; call the fallback in a closure: `fallback = |_| my_function(..)`";
        errors.push(Error::new_spanned(attr, message));
    }
}

/// A call that never comes to a value has none to wait for.
fn check_endless(args: &Args, function: &Function, errors: &mut Errors) {
    if function.output.ty.is_none() && args.mentions("call_timeout") {
        let message = "`call_timeout` needs a function that returns; this one never does";
        errors.push(Error::new(args.span_of("call_timeout"), message));
    }
}

/// Options that only async functions can have, some of them only with a timer.
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

/// Options belong to every call and every instance of the function. Arguments differ between calls, and generics
/// between instances.
fn check_constants_against(args: &Args, function: &Function, errors: &mut Errors) {
    let names =
        || function.arguments.iter().flat_map(|argument| &argument.names).map(|name| &name.ident);
    for arg in &args.given {
        let is_setting = !matches!(
            arg.takes,
            Takes::Predicate | Takes::Fallback | Takes::Key | Takes::Word(_) | Takes::CratePath
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
                "`{option}` is read while compiling, when there are no arguments yet; {way_out}"
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
            // No constant is called that. As a path, such as `self::prices`, it would be one.
            errors.push(not_a_name(value, &word.to_string()));
        }
    }
}

fn not_a_name(value: &Expr, example: &str) -> Error {
    let message = format!(
        "`name` must be a string, such as `name = {example:?}`, or a constant of type `&str`"
    );
    Error::new_spanned(value, message)
}

/// For types whose values are visibly no errors; of the others the compiler knows.
fn cannot_refuse(function: &Function) -> Error {
    let name = &function.signature.ident;
    let returned = match &function.output.ty {
        Some(syn::Type::Tuple(unit)) if unit.elems.is_empty() => "nothing".to_owned(),
        _ => "no `Result` or `Option`".to_owned(),
    };
    let message = format!(
        "`{name}` returns {returned}, so a refused call cannot be told from a good one; give a `fallback`, \
         or return a `Result` whose error implements `From<breaker_runtime::Rejected>`"
    );
    spanning(function.output.blame, &message)
}

/// `self` cannot be renamed, so a fallback that comes after the body cannot have a copy of it, unless it
/// is a function that takes it as an argument.
fn check_kept_self(
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
            "`self` is used up by the call, so this fallback cannot have it; \
             take `&self`, name a function as the fallback, or set `fallback_on = rejected`",
        )),
        _ => Ok(()),
    }
}
