//! The values of options: literals are checked here, constants by the compiler.

use breaker_options::{MODES, POLICIES, Takes, hint};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{Error, Expr, Lit, UnOp};

use crate::args::Arg;
use crate::spans::ends;

/// A value that the compiler can know.
pub(crate) struct Value {
    pub(crate) tokens: TokenStream,
    /// The value as settings write it. `None` if only the compiler can evaluate it.
    pub(crate) text: Option<String>,
    /// Its first and its last token.
    pub(crate) at: (Span, Span),
}

impl Value {
    /// Whether only the compiler can evaluate it.
    pub(crate) fn is_constant(&self) -> bool {
        self.text.is_none()
    }
}

/// A literal that was checked: as code, and as text.
pub(crate) type Checked = Option<(TokenStream, String)>;

/// Reads the value of an option that takes a number, a duration or a config; `None` for the others.
pub(crate) fn value(arg: &Arg) -> syn::Result<Option<Value>> {
    let (option, value) = (arg.option, peel(&arg.value));
    let takes = arg.takes;
    let checked = match takes {
        Takes::Count => count(option, takes, value)?,
        Takes::Share => number(option, takes, value, "a share: more than 0, at most 1")?,
        Takes::Factor => number(option, takes, value, "at least 1")?,
        Takes::Spread => number(option, takes, value, "at least 0 and less than 1")?,
        Takes::Duration | Takes::LongDuration | Takes::Wait => duration(option, takes, value)?,
        Takes::Window => window(option, takes, value)?,
        Takes::Mode => word(option, value, takes, &["normal", "observe"])?,
        Takes::Policy => word(option, value, takes, &POLICIES)?,
        Takes::Flag => flag(option, takes, value)?,
        Takes::Config => config(option, value)?,
        Takes::Name
        | Takes::Word(_)
        | Takes::Predicate
        | Takes::Fallback
        | Takes::Key
        | Takes::CratePath => return Ok(None),
    };
    known(option, value, checked).map(Some)
}

/// Reads a duration that is part of an option's value, and is longer than 0.
pub(crate) fn limit(of: &str, value: &Expr) -> syn::Result<Value> {
    let value = peel(value);
    known(of, value, duration(of, Takes::Duration, value)?)
}

/// A value that was checked, or one that is left to the compiler.
pub(crate) fn known(option: &str, value: &Expr, checked: Checked) -> syn::Result<Value> {
    let (tokens, text) = if let Some((tokens, text)) = checked {
        (tokens, Some(text))
    } else {
        check_constant(option, value)?;
        (value.to_token_stream(), None)
    };
    Ok(Value { tokens, text, at: ends(value) })
}

/// Whether it is a string literal.
pub(crate) fn is_text(value: &Expr) -> bool {
    matches!(literal(value), Some((false, Lit::Str(_))))
}

/// Takes a value out of the invisible groups and the parentheses around it.
pub(crate) fn peel(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => peel(&group.expr),
        Expr::Paren(paren) => peel(&paren.expr),
        value => value,
    }
}

/// The literal, with its sign, or `None` for an expression that the compiler evaluates.
pub(crate) fn literal(value: &Expr) -> Option<(bool, &Lit)> {
    match value {
        Expr::Lit(literal) => Some((false, &literal.lit)),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match peel(&unary.expr) {
            Expr::Lit(literal) => Some((true, &literal.lit)),
            _ => None,
        },
        _ => None,
    }
}

/// A word of ours, as text; anything but a lower-case word is a constant.
fn word(
    option: &str,
    value: &Expr,
    takes: Takes,
    choices: &'static [&'static str],
) -> syn::Result<Checked> {
    let wrong = |message: String| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    let is = format!("is {}", Takes::Word(choices));
    let not = |word: &str| wrong(format!("{is}{}", hint(word, choices.iter().copied())));
    let word = match (value, literal(value)) {
        (Expr::Path(path), _) => path.path.get_ident().map(ToString::to_string),
        (_, Some((false, Lit::Str(text)))) if choices.contains(&text.value().as_str()) => {
            return wrong(format!("takes a word; write `{}` without quotes", text.value()));
        }
        (_, Some((false, Lit::Str(text)))) => return not(&text.value()),
        (_, Some(_)) => return wrong(is),
        _ => None,
    };
    match word {
        Some(word) if choices.contains(&word.as_str()) => {
            let mut literal = proc_macro2::Literal::string(&word);
            literal.set_span(ends(value).0);
            Ok(Some((literal.to_token_stream(), word)))
        }
        Some(word) if takes == Takes::Mode && MODES.contains(&word.as_str()) => wrong(format!(
            "{is} in code; `{word}` comes from outside: a file, the environment or an override"
        )),
        Some(word) if word.starts_with(char::is_lowercase) => not(&word),
        _ => Ok(None),
    }
}

/// `true` or `false`; anything but a literal is a constant.
fn flag(option: &str, takes: Takes, value: &Expr) -> syn::Result<Checked> {
    match literal(value) {
        Some((false, Lit::Bool(flag))) => {
            Ok(Some((flag.to_token_stream(), flag.value.to_string())))
        }
        Some(_) => Err(Error::new_spanned(value, format!("`{option}` is {takes}"))),
        None => Ok(None),
    }
}

fn window(option: &str, takes: Takes, value: &Expr) -> syn::Result<Checked> {
    let message = match literal(value) {
        Some((false, Lit::Str(text))) => match text.value().trim().parse::<u64>() {
            Ok(calls) => format!(
                "`{option}` needs a unit if it is a time: write `\"{calls}s\"`; or `{calls}` without \
                 quotes, for a number of calls"
            ),
            Err(_) => return duration(option, takes, value),
        },
        None | Some((_, Lit::Int(_)) | (true, Lit::Float(_))) => {
            return count(option, takes, value);
        }
        Some(_) => {
            format!("`{option}` takes a number of calls or a duration: write `100` or `\"30s\"`")
        }
    };
    Err(Error::new_spanned(value, message))
}

/// Always a constant.
fn config(option: &str, value: &Expr) -> syn::Result<Checked> {
    let is_other = matches!(
        value,
        Expr::Closure(_) | Expr::Array(_) | Expr::Tuple(_) | Expr::Struct(_) | Expr::Reference(_)
    );
    if is_other || literal(value).is_some() {
        let message = format!(
            "`{option}` takes a constant of type `Config`, such as `Config::new().failure_threshold(3)`"
        );
        return Err(Error::new_spanned(value, message));
    }
    Ok(None)
}

fn count(option: &str, takes: Takes, value: &Expr) -> syn::Result<Checked> {
    let wrong = |message: &str| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    let range = if takes == Takes::Window { "1 to 1000000 calls" } else { "at least 1" };
    match literal(value) {
        None => Ok(None),
        Some((false, Lit::Int(int))) => {
            // Parsing fails only for numbers of more than 64 bits.
            let number = int.base10_parse::<u64>().unwrap_or(u64::MAX);
            if let Some(problem) = takes.problem_of_count(number) {
                return wrong(problem);
            }
            if !["", "u32"].contains(&int.suffix()) {
                return wrong(&format!("must be a `u32`: write `{number}` without a suffix"));
            }
            Ok(Some((int.to_token_stream(), number.to_string())))
        }
        Some((true, Lit::Int(_) | Lit::Float(_))) => {
            wrong(&format!("must be {range}, not negative"))
        }
        Some((_, Lit::Str(text))) if text.value().trim().parse::<u64>().is_ok() => {
            wrong(&format!("takes a number; write `{}` without quotes", text.value().trim()))
        }
        Some(_) => wrong(&format!("takes a whole number, {range}")),
    }
}

fn number(option: &str, takes: Takes, value: &Expr, range: &str) -> syn::Result<Checked> {
    let wrong = |message: String| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    let (negative, digits) = match literal(value) {
        None => return Ok(None),
        Some((_, Lit::Int(int))) if !["", "f64"].contains(&int.suffix()) => {
            return wrong(format!(
                "must be an `f64`: write `{}` without a suffix",
                int.base10_digits()
            ));
        }
        Some((_, Lit::Float(float))) if !["", "f64"].contains(&float.suffix()) => {
            return wrong(format!(
                "must be an `f64`: write `{}` without a suffix",
                float.base10_digits()
            ));
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
    match takes.problem_of_number(number) {
        None => {
            let mut literal = proc_macro2::Literal::f64_unsuffixed(number);
            literal.set_span(ends(value).0);
            // With an exponent, where it is shorter with one.
            Ok(Some((literal.to_token_stream(), format!("{number:?}"))))
        }
        Some(problem) if takes == Takes::Share && (2.0..=100.0).contains(&number) => {
            wrong(format!("{problem}; for {number} % write `{}`", number / 100.0))
        }
        Some(problem) => wrong(problem.to_owned()),
    }
}

fn duration(option: &str, takes: Takes, value: &Expr) -> syn::Result<Checked> {
    let wrong = |message: &str| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    match literal(value) {
        None => Ok(None),
        Some((false, Lit::Str(text))) => {
            let read = breaker_options::duration(&text.value());
            let duration = match read.map(|read| (read, takes.problem_of_duration(read))) {
                Ok((duration, None)) => duration,
                Ok((_, Some(problem))) => return wrong(problem),
                Err(problem) => return wrong(&problem),
            };
            let (secs, nanos, span) = (duration.as_secs(), duration.subsec_nanos(), text.span());
            let tokens = quote_spanned! { span => ::core::time::Duration::new(#secs, #nanos) };
            Ok(Some((tokens, breaker_options::exact(duration).to_string())))
        }
        Some((false, Lit::Int(int))) => {
            let digits = int.base10_digits();
            wrong(&format!("needs a unit: write `\"{digits}s\"` or `\"{digits}ms\"`"))
        }
        Some(_) => wrong("takes a duration, such as \"250ms\", \"30s\" or \"1m 30s\""),
    }
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
            wrong("is evaluated at compile time and cannot use `self`; use a constant")
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
