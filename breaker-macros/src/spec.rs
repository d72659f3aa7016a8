//! What the user meant: values are checked, conflicts are found, defaults are filled in.

mod companions;
pub(crate) mod fallback;
mod requirements;

use breaker_options::{Takes, hint, problem_of_name};
use proc_macro2::Span;
use quote::ToTokens as _;
use syn::{Error, Expr, Lit, Path};

use self::companions::check_companions;
use self::fallback::Fallback;
use self::requirements::{check_against, check_kept_self, check_opens, check_watched};
use crate::args::value::{Value, is_text, known, limit, literal, peel, value};
use crate::args::{Args, Errors};
use crate::function::Function;

/// A checked attribute. Only constants in it can still be wrong. The compiler evaluates those.
pub(crate) struct Spec {
    pub(crate) name: Value,
    /// The value of `config`: the options to begin with.
    pub(crate) config: Option<Value>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) failure_if: Option<Expr>,
    pub(crate) ignore_if: Option<Predicate>,
    pub(crate) open_for: Option<Predicate>,
    pub(crate) describe_error: Option<Predicate>,
    /// No value is a failure: `failures = panics`.
    pub(crate) only_panics: bool,
    /// An option says what can open the circuit, or is wrong itself.
    pub(crate) says_what_counts: bool,
    pub(crate) on_cancel: OnCancel,
    pub(crate) call_timeout: Option<Value>,
    pub(crate) fallback: Option<Fallback>,
    /// The fallback only answers refusals.
    pub(crate) only_rejected: bool,
    pub(crate) key: Option<Expr>,
    pub(crate) max_keys: Option<Value>,
    /// The path of the runtime, if it is not the usual one.
    pub(crate) krate: Option<Path>,
}

/// What a future counts as if it is dropped before it is done.
pub(crate) enum OnCancel {
    Ignore,
    Failure,
    FailureAfter(Value),
}

pub(crate) struct Predicate {
    /// The span of the option's name.
    pub(crate) key: Span,
    pub(crate) value: Expr,
}

/// An option that belongs to the circuit, and so to its `Config`.
pub(crate) struct Setting {
    pub(crate) option: &'static str,
    pub(crate) value: Value,
    /// The setter. `None` if it depends on the type of the value.
    pub(crate) setter: Option<&'static str>,
}

impl Spec {
    /// Runs every check, and reports all mistakes at once.
    pub(crate) fn check(
        mut args: Args,
        function: syn::Result<Function>,
    ) -> syn::Result<(Self, Function)> {
        let mut errors = std::mem::take(&mut args.errors);
        let name = errors.keep(name(&args)).flatten();
        let mut settings = settings(&args, &mut errors);
        check_companions(&args, &mut errors);
        let on_cancel = errors.keep(on_cancel(&args)).unwrap_or(OnCancel::Failure);
        let only_panics = errors.keep(word(&args, "failures")).flatten().is_some();
        let says_what_counts = says_what_counts(&args, &on_cancel);
        let fallback_on = errors.keep(word(&args, "fallback_on")).flatten();
        let only_rejected = fallback_on.is_some_and(|word| word == "rejected");
        let function = errors.keep(function);
        let fallback = function.as_ref().and_then(|function| {
            errors.keep(check_watched(function))?;
            check_against(&args, function, only_rejected, &mut errors);
            if !says_what_counts {
                check_opens(&args, function, &mut errors);
            }
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
        let predicate =
            |option| expr(option).map(|value| Predicate { key: args.span_of(option), value });
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
            ignore_if: predicate("ignore_if"),
            open_for: predicate("open_for"),
            describe_error: predicate("describe_error"),
            only_panics,
            says_what_counts,
            on_cancel,
            only_rejected: only_rejected
                || function.returns_stream()
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

/// Whether an option says what can open the circuit, apart from the returned value. What `config` says is not seen
/// here.
fn says_what_counts(args: &Args, on_cancel: &OnCancel) -> bool {
    const COUNTING: [&str; 7] = [
        "failure_if",
        "ignore_if",
        "failures",
        "slow_call",
        "hung_after",
        "call_timeout",
        "max_concurrent",
    ];
    !matches!(on_cancel, OnCancel::Ignore) || COUNTING.iter().any(|option| args.mentions(option))
}

fn settings(args: &Args, errors: &mut Errors) -> Vec<Setting> {
    let mut settings = Vec::new();
    for arg in &args.given {
        let Some(value) = errors.keep(value(arg)).flatten() else { continue };
        let setter = match arg.takes {
            Takes::Window if is_text(peel(&arg.value)) => Some("time_window"),
            Takes::Window if value.is_constant() => None,
            Takes::Window => Some("count_window"),
            Takes::Mode if !value.is_constant() => Some("mode_named"),
            Takes::Policy if !value.is_constant() => Some("fleet_named"),
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
            None => Some((name.to_token_stream(), name.value())),
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

/// The duration in `failure_after(..)`. `None` if the value is something else.
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
        None if option == "failures" => {
            "`failures` is `panics`; to say which results are failures write `failure_if`, \
                                         to say how many open the circuit `failure_threshold`"
                .to_owned()
        }
        None => {
            let named = choices.iter().map(|choice| choice.split('(').next().unwrap_or(choice));
            let hint = written.map(|word| hint(&word, named)).unwrap_or_default();
            format!("`{option}` is {}{hint}", arg.takes)
        }
    };
    Err(Error::new_spanned(&arg.value, message))
}

fn not_a_name(value: &Expr, example: &str) -> Error {
    let message = format!(
        "`name` must be a string, such as `name = {example:?}`, or a constant of type `&str`"
    );
    Error::new_spanned(value, message)
}
