//! What the user wrote between the parentheses, with spans.
//!
//! Parsing goes on after a mistake, so that two mistakes give two errors.

pub(crate) mod value;

use breaker_options::{Entry, Takes};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Expr, ExprLit, ExprPath, Lit, LitBool, LitStr, Path, Token};

/// Errors found so far. Each is shown where it belongs.
#[derive(Debug, Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    /// Returns the value. If it is an error, keeps the error and returns `None`.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn done(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// One option as it was written.
pub(crate) struct Arg {
    pub(crate) option: &'static str,
    pub(crate) takes: Takes,
    pub(crate) key: Ident,
    pub(crate) value: Expr,
}

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) given: Vec<Arg>,
    /// Options that the user meant but wrote wrongly. They are not reported as missing.
    pub(crate) misspelt: Vec<&'static str>,
    pub(crate) errors: Errors,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream) -> Self {
        let mut args = Self::default();
        let parsed = (|input: ParseStream<'_>| args.read(input)).parse2(tokens);
        if let Err(error) = parsed {
            args.errors.push(error);
        }
        args
    }

    fn read(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        while !input.is_empty() {
            match self.option(input) {
                Ok(Some(arg)) => self.add(arg),
                Ok(None) => {}
                Err(error) => {
                    self.errors.push(error);
                    skip_to_comma(input)?;
                }
            }
            if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
                continue;
            }
            self.errors.push(input.error("expected `,` between two options"));
            if !input.peek(syn::Ident::peek_any) {
                skip_to_comma(input)?;
                input.parse::<Option<Token![,]>>()?;
            }
        }
        Ok(())
    }

    fn add(&mut self, arg: Arg) {
        if self.given.iter().any(|given| given.option == arg.option) {
            let message = format!("`{}` is given twice; keep one", arg.option);
            self.errors.push(Error::new(arg.key.span(), message));
        } else {
            self.given.push(arg);
        }
    }

    /// Reads `key = value`. After an unknown key it reads on, because the value may be fine.
    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<Option<Arg>> {
        if input.peek(LitStr) && input.peek2(Token![=]) {
            let quoted: LitStr = input.parse()?;
            let message = format!("an option has no quotes: write `{} = ...`", quoted.value());
            return Err(Error::new(quoted.span(), message));
        }
        let is_word = input.peek(Ident::peek_any) && !input.peek(LitBool);
        if !is_word && let Ok(Expr::Lit(ExprLit { lit, .. })) = input.fork().parse::<Expr>() {
            return Err(self.positional(&lit));
        }
        let key = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), "expected an option, such as `failure_threshold = 5`")
        })?;
        let Some(&Entry { name: option, takes, .. }) = breaker_options::find(&key.to_string())
        else {
            let error = self.unknown(&key, at_end(input));
            self.errors.push(error);
            skip_to_comma(input)?;
            return Ok(None);
        };
        self.misspelt.push(option);
        if at_end(input) {
            return Err(Error::new(key.span(), needs_a_value(option, takes)));
        }
        if input.peek(Token![==]) || input.parse::<Option<Token![=]>>()?.is_none() {
            return Err(input.error(format!("expected `=`: write `{}`", example(option, takes))));
        }
        if at_end(input) {
            return Err(Error::new(key.span(), needs_a_value(option, takes)));
        }
        let value = value(input, option, takes)?;
        Ok(Some(Arg { option, takes, key, value }))
    }

    /// Suggests what an unknown word was meant to be. If it stands alone, it may have been the name.
    fn unknown(&mut self, key: &Ident, alone: bool) -> Error {
        let meant = breaker_options::meant(&key.to_string());
        self.misspelt.extend(meant);
        if alone && meant.is_none() {
            self.misspelt.push("name");
            let message =
                format!("`{key}` is not an option; for the name, write `name = \"{key}\"`");
            return Error::new(key.span(), message);
        }
        Error::new(key.span(), breaker_options::unknown(&key.to_string()))
    }

    fn positional(&mut self, lit: &Lit) -> Error {
        let message = match lit {
            Lit::Str(name) => {
                self.misspelt.push("name");
                format!("the name is an option: write `name = {:?}`", name.value())
            }
            _ => "a value needs its option: write `option = value`".to_owned(),
        };
        Error::new(lit.span(), message)
    }

    pub(crate) fn mentions(&self, option: &str) -> bool {
        self.given.iter().any(|arg| arg.option == option) || self.misspelt.contains(&option)
    }

    pub(crate) fn get(&self, option: &str) -> Option<&Arg> {
        self.given.iter().find(|arg| arg.option == option)
    }

    pub(crate) fn span_of(&self, option: &str) -> Span {
        self.get(option).map_or_else(Span::call_site, |arg| arg.key.span())
    }
}

/// Reads what stands after the `=`.
fn value(input: ParseStream<'_>, option: &str, takes: Takes) -> syn::Result<Expr> {
    let expected = |error: &Error| {
        let message = format!("expected a value: write `{}`", example(option, takes));
        Error::new(error.span(), message)
    };
    if takes != Takes::CratePath {
        if is_literal(input) {
            // Most values are. It takes longer to find that out as an expression.
            return Ok(Expr::Lit(ExprLit { attrs: Vec::new(), lit: input.parse()? }));
        }
        let starts_badly = input.peek(Token![=]) || input.peek(Token![;]) || input.peek(Token![:]);
        return match input.parse() {
            Err(error) if starts_badly => Err(expected(&error)),
            value => value,
        };
    }
    if input.peek(LitStr) {
        let quoted: LitStr = input.parse()?;
        let message = format!("a path has no quotes: write `crate = {}`", quoted.value());
        return Err(Error::new(quoted.span(), message));
    }
    let path = input.call(Path::parse_mod_style);
    let path = path.map_err(|error| expected(&error))?;
    Ok(Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path }))
}

/// Whether a literal stands alone, in no group of a macro.
fn is_literal(input: ParseStream<'_>) -> bool {
    match input.cursor().token_tree() {
        Some((TokenTree::Literal(_), rest)) => {
            rest.eof() || rest.punct().is_some_and(|(mark, _)| mark.as_char() == ',')
        }
        _ => false,
    }
}

fn at_end(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

fn needs_a_value(option: &str, takes: Takes) -> String {
    format!("`{option}` needs a value: write `{}`", example(option, takes))
}

fn example(option: &str, takes: Takes) -> String {
    let value = match takes {
        Takes::Name => "\"payments\"",
        Takes::Count => "5",
        Takes::Share => "0.5",
        Takes::Factor => "2.0",
        Takes::Spread => "0.1",
        Takes::Duration | Takes::LongDuration | Takes::Wait => "\"30s\"",
        Takes::Window => "100",
        Takes::Mode => "observe",
        Takes::Policy => "quorum",
        Takes::Flag => "true",
        Takes::Config => "SHARED",
        Takes::Key => "host",
        Takes::Predicate => "|value| ...",
        Takes::Word(words) => words[0],
        Takes::Fallback => "my_function",
        Takes::CratePath => "::my_crate::breaker_runtime",
    };
    format!("{option} = {value}")
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// The options that were understood, and the messages.
    fn read(tokens: TokenStream) -> (Vec<&'static str>, Vec<String>) {
        let args = Args::parse(tokens);
        let given = args.given.iter().map(|arg| arg.option).collect();
        let errors = args.errors.done().err().into_iter().flatten();
        (given, errors.map(|error| error.to_string()).collect())
    }

    #[test]
    fn options_are_read_in_the_order_they_are_written() {
        let (given, errors) = read(quote! { window = 20, name = "prices", on_cancel = failure, });
        assert_eq!(given, ["window", "name", "on_cancel"]);
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn what_follows_a_mistake_is_still_read() {
        for mistake in [
            quote! { colour = "red" },
            quote! { name: "prices" },
            quote! { cooldown("30s") },
            quote! { cooldown = = "30s" },
            quote! { window == 20 },
            quote! { window 20 },
            quote! { window = },
            quote! { window },
            quote! { prices },
            quote! { "prices" },
            quote! { 3 },
            quote! { -3 },
            quote! { "cooldown" = "30s" },
            quote! { crate = "breakers" },
            quote! { crate = 3 },
            quote! { window; },
            quote! { fn price() },
            quote! { |error| error },
        ] {
            let (given, errors) = read(quote! { #mistake, minimum_calls = 3 });
            assert_eq!(given, ["minimum_calls"], "{mistake}");
            assert_eq!(errors.len(), 1, "{mistake}: {errors:?}");
        }
    }

    #[test]
    fn a_missing_comma_costs_no_option() {
        let (given, errors) = read(quote! { name = "prices" window = 20, minimum_calls = 3 });
        assert_eq!(given, ["name", "window", "minimum_calls"]);
        assert_eq!(errors, ["expected `,` between two options"]);
    }

    #[test]
    fn each_mistake_is_one_error() {
        let (given, errors) = read(quote! { "prices", colour = "red", window, minimum_calls 3 });
        assert_eq!(given, [""; 0]);
        assert_eq!(errors.len(), 4, "{errors:?}");
    }

    #[test]
    fn the_first_of_two_values_is_kept() {
        let args = Args::parse(quote! { window = 1, window = 2 });
        let value = &args.given[0].value;
        assert_eq!(quote! { #value }.to_string(), "1");
        assert_eq!(args.given.len(), 1);
    }

    #[test]
    fn what_was_meant_but_misspelt_is_not_missing() {
        let meant = |tokens| Args::parse(tokens).mentions("name");
        assert!(meant(quote! { "prices" }));
        assert!(meant(quote! { circuit_name = "prices" }));
        assert!(meant(quote! { name: "prices" }));
        assert!(meant(quote! { prices }));
        assert!(!meant(quote! { colour = "red" }));
    }

    #[test]
    fn a_keyword_may_be_an_option() {
        let (given, errors) = read(quote! { crate = crate::breakers, name = "prices" });
        assert_eq!(given, ["crate", "name"]);
        assert_eq!(errors, [""; 0]);
    }
}
