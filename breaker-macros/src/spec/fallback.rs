//! The forms of a fallback: a function, a closure over the error, or any other expression.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, Expr, ExprClosure, ExprPath, Pat, ReturnType, Type};

use crate::function::Function;
use crate::function::argument::Argument;
use crate::spans::{ends, local, spanning};

/// The three forms of the option.
pub(crate) enum Fallback {
    /// Called with the function's own arguments.
    Path(ExprPath),
    /// `|err| body`. The body is evaluated in place, so it may `.await` and sees the arguments.
    Closure { error: Pat, body: Box<Expr> },
    /// Evaluated as written.
    Expression(Expr),
}

impl Fallback {
    pub(crate) fn check(value: &Expr, function: &Function) -> syn::Result<Self> {
        match value {
            Expr::Path(path) if is_value(path) => Ok(Self::Expression(value.clone())),
            Expr::Path(path) => Ok(Self::Path(path.clone())),
            Expr::Closure(closure) => Self::closure(closure, function),
            Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Str(text) if !function.output.may_be_text => Err(string(text)),
                _ => Ok(Self::Expression(value.clone())),
            },
            _ => Ok(Self::Expression(value.clone())),
        }
    }

    fn closure(closure: &ExprClosure, function: &Function) -> syn::Result<Self> {
        let mut inputs = closure.inputs.iter();
        let (Some(error), None) = (inputs.next(), inputs.next()) else {
            let message = "a fallback closure takes one argument, the `CallError`; \
                           the function's arguments are in scope by name";
            let bars = (closure.inputs_begin.span, closure.inputs_end.span);
            return Err(spanning(bars, message));
        };
        if let (Pat::Type(stated), Some(failed)) = (error, &function.output.error)
            && same(&stated.ty, failed)
        {
            let failed = failed.to_token_stream();
            let message = format!(
                "a fallback is given a `CallError<{failed}>`, as the call may also have been refused"
            );
            return Err(Error::new_spanned(&stated.ty, message));
        }
        if let Some(asyncness) = closure.asyncness.as_ref().filter(|_| !function.is_async()) {
            let message = "an async fallback needs an async function";
            return Err(Error::new(asyncness.span, message));
        }
        let body = match &closure.output {
            ReturnType::Default => closure.body.clone(),
            ReturnType::Type(_, ty) => typed(ty, &closure.body),
        };
        Ok(Self::Closure { error: error.clone(), body })
    }

    /// Its last token.
    pub(crate) fn end(&self) -> Span {
        match self {
            Self::Path(path) => ends(path).1,
            Self::Closure { body, .. } => ends(body).1,
            Self::Expression(expression) => ends(expression).1,
        }
    }

    /// Whether the fallback uses the argument, by any of its names.
    pub(crate) fn mentions(&self, argument: &Argument) -> bool {
        argument.names.iter().any(|name| self.mentions_name(&name.ident))
            || matches!(self, Self::Path(_))
    }

    pub(crate) fn mentions_self(&self) -> bool {
        self.mentions_name(&Ident::new("self", Span::call_site())) || matches!(self, Self::Path(_))
    }

    fn mentions_name(&self, name: &Ident) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Closure { error, body } => {
                !holds(error.to_token_stream(), name) && holds(body.to_token_stream(), name)
            }
            Self::Expression(expression) => holds(expression.to_token_stream(), name),
        }
    }
}

/// Whether a path is visibly no function: `None`, or a constant in capitals.
fn is_value(path: &ExprPath) -> bool {
    path.path.segments.last().is_some_and(|last| {
        let name = last.ident.to_string();
        name == "None" || (name.len() > 1 && !name.contains(char::is_lowercase))
    })
}

/// Whether two types are written the same.
fn same(one: &Type, other: &Type) -> bool {
    one.to_token_stream().to_string() == other.to_token_stream().to_string()
}

/// `{ let value: T = body; value }`, which keeps a return type that the closure states.
fn typed(ty: &Type, body: &Expr) -> Box<Expr> {
    let value = local("value");
    Box::new(
        syn::parse_quote_spanned! { Span::mixed_site() => { let #value: #ty = #body; #value } },
    )
}

fn string(text: &syn::LitStr) -> Error {
    let name = text.value();
    let message = match syn::parse_str::<syn::Path>(&name) {
        Ok(_) => format!("a fallback is not named by a string; write `fallback = {name}`"),
        Err(_) => {
            "the function does not return a string; give a function, a closure or a value".into()
        }
    };
    Error::new(text.span(), message)
}

/// Whether the tokens hold that word: as a token, inside a macro call, or captured by a format string. A
/// field or method of that name counts too, which at most costs a copy.
pub(crate) fn holds(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == *name,
        TokenTree::Group(group) => holds(group.stream(), name),
        TokenTree::Literal(literal) => {
            captures(&literal.to_string(), name.to_string().trim_start_matches("r#"))
        }
        TokenTree::Punct(_) => false,
    })
}

/// Whether a format string holds `{name}` or `{name:..}`.
fn captures(literal: &str, name: &str) -> bool {
    literal.starts_with(['"', 'r'])
        && literal.split('{').skip(1).any(|captured| {
            captured.strip_prefix(name).is_some_and(|rest| rest.starts_with(['}', ':']))
        })
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn found(tokens: TokenStream) -> bool {
        holds(tokens, &Ident::new("sku", Span::call_site()))
    }

    #[test]
    fn a_word_is_found_wherever_it_can_be_used() {
        assert!(found(quote! { cached(sku) }));
        assert!(found(quote! { format!("{}", sku) }));
        assert!(found(quote! { format!("no {sku}") }));
        assert!(found(quote! { format!("no {sku:?}") }));
        assert!(found(quote! { if true { &sku[..] } else { "" } }));
    }

    #[test]
    fn a_word_that_is_not_there_is_not_found() {
        assert!(!found(quote! { cached(skus) }));
        assert!(!found(quote! { format!("no sku, {skus}") }));
        assert!(!found(quote! { "sku" }));
    }
}
