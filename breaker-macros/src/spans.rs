//! Spans: where errors are reported, and how names resolve.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Error;

/// A name that the runtime defines.
pub(crate) fn word(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// A local of ours. The prefix matters despite hygiene: in a pattern, a user's static or constant of the same
/// name would take its place.
pub(crate) fn local(name: &str) -> Ident {
    placed(name, Span::mixed_site())
}

/// A local of ours. Errors about it are reported at that place.
pub(crate) fn placed(name: &str, at: Span) -> Ident {
    Ident::new(&format!("__breaker_{name}"), at.resolved_at(Span::mixed_site()))
}

/// The first and the last token. An error from one to the other covers everything.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut trees = tokens.to_token_stream().into_iter();
    let first = trees.next().map_or_else(Span::call_site, |tree| tree.span());
    (first, trees.last().map_or(first, |tree| tree.span()))
}

/// Where the value of a block begins: after its last `;`.
pub(crate) fn tail(block: &Group) -> Span {
    let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ';');
    let trees: Vec<_> = block.stream().into_iter().collect();
    let tail = trees.iter().rposition(is_end).map_or(0, |end| end + 1);
    trees.get(tail).map_or_else(|| block.span(), TokenTree::span)
}

/// Moves our tokens to where errors about them should be reported. Their names resolve as before.
pub(crate) fn respan(tokens: TokenStream, first: Span, last: Span) -> TokenStream {
    let mut next = first;
    let place = |mut tree: TokenTree| {
        let span = std::mem::replace(&mut next, last);
        match &mut tree {
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), respan(group.stream(), last, last));
                inside.set_span(last.resolved_at(Span::mixed_site()));
                *group = inside;
            }
            tree => tree.set_span(span.resolved_at(tree.span())),
        }
        tree
    };
    tokens.into_iter().map(place).collect()
}

/// A call whose errors are reported from the function's span to `last`. The arguments keep their spans.
pub(crate) fn call_at(function: &impl ToTokens, arguments: TokenStream, last: Span) -> TokenStream {
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments);
    arguments.set_span(last.resolved_at(Span::mixed_site()));
    quote! { #function #arguments }
}

/// An error that covers everything from one place to the other.
pub(crate) fn spanning((first, last): (Span, Span), message: &str) -> Error {
    let mark = |span| {
        let mut mark = Punct::new('|', Spacing::Alone);
        mark.set_span(span);
        TokenTree::from(mark)
    };
    Error::new_spanned(TokenStream::from_iter([mark(first), mark(last)]), message)
}
