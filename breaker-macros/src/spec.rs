//! What the user meant: values checked, conflicts found, defaults filled.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Expr, Lit, LitStr, Path, UnOp};

use crate::args::{Arg, Args, Errors};
use crate::fallback::Fallback;
use crate::options::Value;
use crate::signature::{Function, Receiver, ends};

/// A checked attribute. Nothing in it can be wrong any more, except for constants, which the compiler
/// evaluates.
pub(crate) struct Spec {
    pub(crate) name: LitStr,
    pub(crate) settings: Vec<Setting>,
    pub(crate) failure_if: Option<Expr>,
    pub(crate) ignore_if: Option<Predicate>,
    pub(crate) on_cancel_failure: bool,
    pub(crate) fallback: Option<Fallback>,
    /// The fallback answers refusals only.
    pub(crate) only_rejected: bool,
    /// Where the runtime is, if not where it usually is.
    pub(crate) krate: Option<Path>,
}

pub(crate) struct Predicate {
    /// Where the option's name is.
    pub(crate) key: Span,
    pub(crate) value: Expr,
}

/// One call of a `Config` setter.
pub(crate) struct Setting {
    pub(crate) option: &'static str,
    pub(crate) setter: &'static str,
    pub(crate) value: TokenStream,
    /// Where the value was written: its first and its last token.
    pub(crate) at: (Span, Span),
    /// Only the compiler can evaluate it.
    pub(crate) is_constant: bool,
}

impl Spec {
    /// Checks everything that can be checked, and reports all that is wrong at once.
    pub(crate) fn check(
        mut args: Args,
        function: syn::Result<Function>,
    ) -> syn::Result<(Self, Function)> {
        let mut errors = std::mem::take(&mut args.errors);
        let name = errors.keep(name(&args)).flatten();
        let settings: Vec<_> =
            args.given.iter().filter_map(|arg| errors.keep(setting(arg)).flatten()).collect();
        check_pairs(&args, &mut errors);
        let on_cancel = errors.keep(word(&args, "on_cancel")).flatten();
        let fallback_on = errors.keep(word(&args, "fallback_on")).flatten();
        let function = errors.keep(function);
        let fallback = function.as_ref().and_then(|function| {
            check_against(&args, function, &mut errors);
            let fallback = args.get("fallback")?;
            errors.keep(Fallback::check(peel(&fallback.value), function))
        });
        let only_rejected = fallback_on.is_some_and(|word| word == "rejected");
        if let (Some(function), Some(fallback)) = (&function, &fallback) {
            let _ = errors.keep(check_kept_self(function, fallback, only_rejected));
        }
        errors.done()?;
        let (Some(name), Some(function)) = (name, function) else {
            return Err(Error::new(Span::call_site(), "the attribute could not be read"));
        };
        let expr = |option| args.get(option).map(|arg| peel(&arg.value).clone());
        let spec = Self {
            name,
            settings,
            failure_if: expr("failure_if"),
            ignore_if: expr("ignore_if")
                .map(|value| Predicate { key: args.span_of("ignore_if"), value }),
            on_cancel_failure: on_cancel.is_some_and(|word| word == "failure"),
            only_rejected: only_rejected || function.output.is_infallible,
            fallback,
            krate: match expr("crate") {
                Some(Expr::Path(path)) => Some(path.path),
                _ => None,
            },
        };
        Ok((spec, function))
    }
}

/// Takes a value out of the invisible groups and the parentheses around it.
fn peel(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => peel(&group.expr),
        Expr::Paren(paren) => peel(&paren.expr),
        value => value,
    }
}

fn name(args: &Args) -> syn::Result<Option<LitStr>> {
    let Some(arg) = args.get("name") else {
        if args.mentions("name") {
            return Ok(None);
        }
        let message = "the circuit needs a name: write `#[circuit_breaker(name = \"payments\")]`";
        return Err(Error::new(Span::call_site(), message));
    };
    let Expr::Lit(syn::ExprLit { lit: Lit::Str(name), .. }) = peel(&arg.value) else {
        let message = "`name` must be a string literal, such as `name = \"payments\"`";
        return Err(Error::new_spanned(&arg.value, message));
    };
    let text = name.value();
    let problem = if text.is_empty() {
        "must not be empty"
    } else if text.trim().is_empty() {
        "must not be blank"
    } else if text.len() > 128 {
        "must be at most 128 bytes long"
    } else if text.chars().any(char::is_control) {
        "must not hold control characters"
    } else {
        return Ok(Some(name.clone()));
    };
    Err(Error::new(name.span(), format!("`name` {problem}")))
}

fn setting(arg: &Arg) -> syn::Result<Option<Setting>> {
    let value = peel(&arg.value);
    let checked = match arg.takes {
        Value::Count(most) => count(arg.option, most, value)?,
        Value::Share => number(arg.option, value, "a share: more than 0, at most 1", |share| {
            share > 0.0 && share <= 1.0
        })?,
        Value::Factor => number(arg.option, value, "at least 1", |factor| factor >= 1.0)?,
        Value::Spread => number(arg.option, value, "at least 0 and less than 1", |spread| {
            (0.0..1.0).contains(&spread)
        })?,
        Value::Duration => duration(arg.option, value)?,
        Value::Name | Value::Word(_) | Value::Predicate | Value::Fallback | Value::CratePath => {
            return Ok(None);
        }
    };
    let setter = if arg.option == "window" { "count_window" } else { arg.option };
    let is_constant = checked.is_none();
    if is_constant {
        check_constant(arg.option, value)?;
    }
    Ok(Some(Setting {
        option: arg.option,
        setter,
        value: checked.unwrap_or_else(|| value.to_token_stream()),
        at: ends(value),
        is_constant,
    }))
}

/// The literal, with its sign, or `None` for an expression that the compiler evaluates.
fn literal(value: &Expr) -> Option<(bool, &Lit)> {
    match value {
        Expr::Lit(literal) => Some((false, &literal.lit)),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match peel(&unary.expr) {
            Expr::Lit(literal) => Some((true, &literal.lit)),
            _ => None,
        },
        _ => None,
    }
}

fn count(option: &str, most: u32, value: &Expr) -> syn::Result<Option<TokenStream>> {
    let wrong = |message: String| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    let range = if most == u32::MAX { "at least 1".to_owned() } else { format!("1 to {most}") };
    match literal(value) {
        None => Ok(None),
        Some((false, Lit::Int(int))) => match int.base10_parse::<u64>() {
            Ok(number) if (1..=most.into()).contains(&number) => {
                if !["", "u32"].contains(&int.suffix()) {
                    return wrong(format!("is a `u32`; write `{number}`"));
                }
                Ok(Some(int.to_token_stream()))
            }
            Ok(number) if number > most.into() => wrong(format!("must be at most {most}")),
            Ok(_) => wrong(format!("must be {range}")),
            Err(_) => wrong(format!("must be at most {most}")),
        },
        Some((true, Lit::Int(_) | Lit::Float(_))) => {
            wrong(format!("must be {range}, not negative"))
        }
        Some((_, Lit::Str(text))) => match text.value().trim().parse::<u64>() {
            Ok(number) => wrong(format!("takes a number; write `{number}` without quotes")),
            Err(_) => wrong(format!("takes a whole number, {range}")),
        },
        Some(_) => wrong(format!("takes a whole number, {range}")),
    }
}

fn number(
    option: &str,
    value: &Expr,
    range: &str,
    holds: impl Fn(f64) -> bool,
) -> syn::Result<Option<TokenStream>> {
    let wrong = |message: String| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    let (negative, digits) = match literal(value) {
        None => return Ok(None),
        Some((_, Lit::Int(int))) if !["", "f64"].contains(&int.suffix()) => {
            return wrong(format!("is an `f64`; write `{}`", int.base10_digits()));
        }
        Some((_, Lit::Float(float))) if !["", "f64"].contains(&float.suffix()) => {
            return wrong(format!("is an `f64`; write `{}`", float.base10_digits()));
        }
        Some((negative, Lit::Int(int))) => (negative, int.base10_digits().to_owned()),
        Some((negative, Lit::Float(float))) => (negative, float.base10_digits().to_owned()),
        Some((_, Lit::Str(text))) => {
            let text = text.value();
            return match text.trim().trim_end_matches('%').parse::<f64>() {
                Ok(percent) if text.contains('%') => {
                    wrong(format!("takes a number; write `{}` without quotes", percent / 100.0))
                }
                Ok(_) => wrong(format!("takes a number; write `{}` without quotes", text.trim())),
                Err(_) => wrong(format!("takes a number, {range}")),
            };
        }
        Some(_) => return wrong(format!("takes a number, {range}")),
    };
    let Ok(magnitude) = digits.parse::<f64>() else {
        return wrong(format!("takes a number, {range}"));
    };
    let number = if negative { -magnitude } else { magnitude };
    if holds(number) && number.is_finite() {
        let mut literal = proc_macro2::Literal::f64_unsuffixed(number);
        literal.set_span(ends(value).0);
        return Ok(Some(literal.to_token_stream()));
    }
    if range.starts_with("a share") && (2.0..=100.0).contains(&number) {
        return wrong(format!("is {range}; for {number} % write `{}`", number / 100.0));
    }
    wrong(format!("must be {range}"))
}

fn duration(option: &str, value: &Expr) -> syn::Result<Option<TokenStream>> {
    let wrong = |message: String| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    match literal(value) {
        None => Ok(None),
        Some((false, Lit::Str(text))) => match humantime::parse_duration(&text.value()) {
            Ok(duration) if duration.is_zero() => wrong("must be longer than 0".to_owned()),
            Ok(duration) => {
                let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
                let span = text.span();
                Ok(Some(quote_spanned! { span => ::core::time::Duration::new(#secs, #nanos) }))
            }
            Err(error) => wrong(no_duration(text.value().trim(), &error)),
        },
        Some((false, Lit::Int(int))) => wrong(needs_a_unit(int.base10_digits())),
        Some(_) => wrong("takes a duration, such as \"250ms\", \"30s\" or \"1m 30s\"".to_owned()),
    }
}

fn no_duration(text: &str, error: &humantime::DurationError) -> String {
    use humantime::DurationError::{NumberOverflow, UnknownUnit};

    match error {
        UnknownUnit { unit, .. } if unit.is_empty() => needs_a_unit(text),
        UnknownUnit { unit, .. } => {
            format!(
                "has an unknown unit, `{unit}`; the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`"
            )
        }
        NumberOverflow => "cannot be counted in nanoseconds".to_owned(),
        _ => "is no duration; write it like \"250ms\", \"30s\" or \"1m 30s\"".to_owned(),
    }
}

fn needs_a_unit(digits: &str) -> String {
    format!("needs a unit: write `\"{digits}s\"` or `\"{digits}ms\"`")
}

/// What can only be known at run time, or per type, is refused here in our words.
fn check_constant(option: &str, value: &Expr) -> syn::Result<()> {
    let wrong = |message: &str| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    match value {
        Expr::Closure(_)
        | Expr::Array(_)
        | Expr::Tuple(_)
        | Expr::Struct(_)
        | Expr::Reference(_) => wrong("takes a literal or a constant"),
        _ if words(value.to_token_stream(), "self") => {
            wrong("is read while compiling, when there is no `self` yet; use a constant")
        }
        _ if words(value.to_token_stream(), "Self") => {
            wrong("belongs to the circuit, which all types share: name the type instead of `Self`")
        }
        _ => Ok(()),
    }
}

fn words(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => words(group.stream(), word),
        _ => false,
    })
}

fn word(args: &Args, option: &'static str) -> syn::Result<Option<&'static str>> {
    let Some(arg) = args.get(option) else {
        return Ok(None);
    };
    let Value::Word(choices) = arg.takes else {
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
        None => {
            let choices: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
            format!("`{option}` is {}", choices.join(" or "))
        }
    };
    Err(Error::new_spanned(&arg.value, message))
}

/// Options that need another one, and literals that contradict each other.
fn check_pairs(args: &Args, errors: &mut Errors) {
    const COMPANIONS: [(&str, &str); 3] = [
        ("slow_call_rate", "slow_call"),
        ("cooldown_max", "cooldown_multiplier"),
        ("fallback_on", "fallback"),
    ];
    for (option, companion) in COMPANIONS {
        if args.get(option).is_some() && !args.mentions(companion) {
            let message = format!("`{option}` needs `{companion}`");
            errors.push(Error::new(args.span_of(option), message));
        }
    }
    let integer = |option| match literal(peel(&args.get(option)?.value)) {
        Some((false, Lit::Int(int))) => int.base10_parse::<u32>().ok(),
        _ => None,
    };
    let window = if args.mentions("window") { integer("window") } else { Some(100) };
    if let (Some(minimum), Some(window)) = (integer("minimum_calls"), window)
        && minimum > window
        && window > 0
    {
        let message = format!("`minimum_calls` must not be more than the window holds, {window}");
        let value = args.get("minimum_calls").map(|arg| arg.value.to_token_stream());
        errors.push(Error::new_spanned(value, message));
    }
    check_order(args, errors, "cooldown_max", "cooldown", Some("60s"));
    check_order(args, errors, "probe_timeout", "slow_call", None);
}

/// `longer` must not be shorter than `shorter`, where both can be read here.
fn check_order(
    args: &Args,
    errors: &mut Errors,
    longer: &str,
    shorter: &str,
    default: Option<&str>,
) {
    let read = |option| match literal(peel(&args.get(option)?.value)) {
        Some((false, Lit::Str(text))) => humantime::parse_duration(&text.value()).ok(),
        _ => None,
    };
    let default = default.filter(|_| !args.mentions(shorter));
    let least = read(shorter).or_else(|| humantime::parse_duration(default?).ok());
    if let (Some(most), Some(least)) = (read(longer), least)
        && most < least
        && !most.is_zero()
    {
        let message = format!(
            "`{longer}` must not be shorter than `{shorter}`, {}",
            humantime::format_duration(least)
        );
        let value = args.get(longer).map(|arg| arg.value.to_token_stream());
        errors.push(Error::new_spanned(value, message));
    }
}

/// What the options ask of the function.
fn check_against(args: &Args, function: &Function, errors: &mut Errors) {
    if args.get("on_cancel").is_some() && !function.is_async() {
        let message = "`on_cancel` is for async functions: a sync call cannot be cancelled";
        errors.push(Error::new(args.span_of("on_cancel"), message));
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
    let track_caller = function.attrs.iter().find(|attr| attr.path().is_ident("track_caller"));
    if let Some(track_caller) = track_caller.filter(|_| !function.can_track_caller()) {
        let message = "`#[track_caller]` cannot be kept on this function when it is guarded: only a free \
                       sync function keeps its caller; move the body into one";
        errors.push(Error::new_spanned(track_caller, message));
    }
}

/// The arguments are values of one call; options belong to all of them.
fn check_constants_against(args: &Args, function: &Function, errors: &mut Errors) {
    let names = || function.arguments.iter().flat_map(|argument| &argument.names);
    for arg in &args.given {
        let is_setting =
            !matches!(arg.takes, Value::Predicate | Value::Fallback | Value::Word(_) | Value::Name);
        let Expr::Path(path) = peel(&arg.value) else {
            continue;
        };
        if is_setting && names().any(|name| path.path.is_ident(name)) {
            let message = format!(
                "`{}` is read while compiling, when there are no arguments yet; use a constant",
                arg.option
            );
            errors.push(Error::new_spanned(path, message));
        }
    }
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
    let (first, last) = function.output.blame;
    crate::fallback::spanning([first, last], &message)
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

impl ToTokens for Setting {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let setter = proc_macro2::Ident::new(self.setter, Span::mixed_site());
        let value = &self.value;
        tokens.extend(quote! { .#setter(#value) });
    }
}
