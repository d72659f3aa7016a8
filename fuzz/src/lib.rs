//! What must hold of an expansion, whatever was expanded.

pub use breaker_fuzz_attribute::OPTIONS;
use breaker_fuzz_attribute::circuit_breaker;
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::ItemFn;

/// The tokens of a text, if it is made of tokens.
#[must_use]
pub fn tokens(text: &str) -> Option<TokenStream> {
    text.parse().ok()
}

/// Fails unless the attribute leaves the function where it is: guarded, or as it was with an error.
///
/// # Panics
///
/// If it does not.
pub fn check(args: TokenStream, item: &TokenStream) {
    let guarded = circuit_breaker(args.clone(), item);
    let is_refused = guarded.clone().into_iter().any(is("compile_error"));
    if is_refused {
        let kept = guarded.clone().into_iter().take(item.clone().into_iter().count());
        assert!(
            kept.collect::<TokenStream>().to_string() == item.to_string(),
            "{item} is lost: {guarded}"
        );
    }
    let Ok(function) = syn::parse2::<ItemFn>(item.clone()) else { return };
    let name = &function.sig.ident;
    assert!(declares(&guarded, name), "`{name}` is lost: #[circuit_breaker({args})] {item}");
    // `crate = Self::..` is for the compiler to refuse, which says it well.
    let names_self = visible(args.clone()).into_iter().any(is("Self"));
    if !is_refused && !names_self {
        let parsed = syn::parse2::<ItemFn>(guarded.clone());
        assert!(parsed.is_ok(), "no function: #[circuit_breaker({args})] {item} gives {guarded}");
    }
}

fn is(word: &str) -> impl Fn(TokenTree) -> bool {
    move |tree| matches!(tree, TokenTree::Ident(ident) if ident == word)
}

/// Whether there is a `fn` of that name outside of all brackets that are seen.
fn declares(tokens: &TokenStream, name: &Ident) -> bool {
    let trees = visible(tokens.clone());
    let is =
        |tree: &TokenTree, word: &Ident| matches!(tree, TokenTree::Ident(ident) if ident == word);
    let keyword = Ident::new("fn", name.span());
    trees.windows(2).any(|pair| is(&pair[0], &keyword) && is(&pair[1], name))
}

/// The tokens, and those in invisible groups.
fn visible(tokens: TokenStream) -> Vec<TokenTree> {
    let open = |tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => visible(group.stream()),
        tree => vec![tree],
    };
    tokens.into_iter().flat_map(open).collect()
}
