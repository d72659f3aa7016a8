//! The values of options: literals are checked here, constants by the compiler.

use std::time::Duration;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{Error, Expr, Lit, UnOp};

use crate::args::Arg;
use crate::options::Takes;
use crate::spans::ends;

/// The most calls that a window counts.
const LONGEST_WINDOW: u32 = 1_000_000;
const SHORTEST_WINDOW: Duration = Duration::from_millis(10);

/// A value that the compiler can know.
pub(crate) struct Value {
    pub(crate) tokens: TokenStream,
    /// Where it was written: its first and its last token.
    pub(crate) at: (Span, Span),
    /// Only the compiler can evaluate it.
    pub(crate) is_constant: bool,
}

/// Reads the value of an option that takes a number or a duration; `None` for the others.
pub(crate) fn value(arg: &Arg) -> syn::Result<Option<Value>> {
    let (option, value) = (arg.option, peel(&arg.value));
    let checked = match arg.takes {
        Takes::Count(most) => count(option, most, value)?,
        Takes::Share => number(option, value, "a share: more than 0, at most 1", |share| {
            share > 0.0 && share <= 1.0
        })?,
        Takes::Factor => number(option, value, "at least 1", |factor| factor >= 1.0)?,
        Takes::Spread => number(option, value, "at least 0 and less than 1", |spread| {
            (0.0..1.0).contains(&spread)
        })?,
        Takes::Duration => duration(option, value, Duration::from_nanos(1))?,
        Takes::Wait => duration(option, value, Duration::ZERO)?,
        Takes::Window => window(option, value)?,
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
    known(of, value, duration(of, value, Duration::from_nanos(1))?)
}

/// A value that was checked, or one that is left to the compiler.
fn known(option: &str, value: &Expr, checked: Option<TokenStream>) -> syn::Result<Value> {
    let is_constant = checked.is_none();
    if is_constant {
        check_constant(option, value)?;
    }
    let tokens = checked.unwrap_or_else(|| value.to_token_stream());
    Ok(Value { tokens, at: ends(value), is_constant })
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

fn window(option: &str, value: &Expr) -> syn::Result<Option<TokenStream>> {
    let calls = || count(option, LONGEST_WINDOW, value);
    let message = match literal(value) {
        Some((false, Lit::Str(text))) => match text.value().trim().parse::<u64>() {
            Ok(calls) => format!(
                "`{option}` needs a unit if it is a time: write `\"{calls}s\"`; or `{calls}` without \
                 quotes, for so many calls"
            ),
            Err(_) => return duration(option, value, SHORTEST_WINDOW),
        },
        None | Some((_, Lit::Int(_)) | (true, Lit::Float(_))) => return calls(),
        Some(_) => {
            format!("`{option}` takes a number of calls or a duration: write `100` or `\"30s\"`")
        }
    };
    Err(Error::new_spanned(value, message))
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

fn duration(option: &str, value: &Expr, least: Duration) -> syn::Result<Option<TokenStream>> {
    let wrong = |message: String| Err(Error::new_spanned(value, format!("`{option}` {message}")));
    match literal(value) {
        None => Ok(None),
        Some((false, Lit::Str(text))) => match humantime::parse_duration(&text.value()) {
            Ok(duration) if duration < least => wrong(match least {
                SHORTEST_WINDOW => "must be at least 10ms, if it is a time".to_owned(),
                _ => "must be longer than 0".to_owned(),
            }),
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

#[cfg(test)]
mod tests;
