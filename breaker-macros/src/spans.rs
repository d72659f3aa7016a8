//! Where tokens are for the compiler's errors, and what their names resolve to.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Error;

/// A word that the runtime defines.
pub(crate) fn word(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// A local of ours. Nobody else writes such a name: a static or a constant of the same name would stand in
/// its place, as patterns refer to items whatever their hygiene.
pub(crate) fn local(name: &str) -> Ident {
    placed(name, Span::mixed_site())
}

/// A local of ours, complained about at that place.
pub(crate) fn placed(name: &str, at: Span) -> Ident {
    Ident::new(&format!("__breaker_{name}"), at.resolved_at(Span::mixed_site()))
}

/// The first and the last token of something: an error from one to the other covers it all.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut trees = tokens.to_token_stream().into_iter();
    let first = trees.next().map_or_else(Span::call_site, |tree| tree.span());
    (first, trees.last().map_or(first, |tree| tree.span()))
}

/// Where the value of a block is, or begins: after its last `;`.
pub(crate) fn tail(block: &Group) -> Span {
    let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ';');
    let trees: Vec<_> = block.stream().into_iter().collect();
    let tail = trees.iter().rposition(is_end).map_or(0, |end| end + 1);
    trees.get(tail).map_or_else(|| block.span(), TokenTree::span)
}

/// Puts our tokens where an error about them should be shown. Names keep resolving as ours do.
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

/// A call that ends, for errors about it, at that place. The arguments keep theirs.
pub(crate) fn call_at(function: &impl ToTokens, arguments: TokenStream, last: Span) -> TokenStream {
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments);
    arguments.set_span(last.resolved_at(Span::mixed_site()));
    quote! { #function #arguments }
}

/// An error that covers everything between two places.
pub(crate) fn spanning((first, last): (Span, Span), message: &str) -> Error {
    let mark = |span| {
        let mut mark = Punct::new('|', Spacing::Alone);
        mark.set_span(span);
        TokenTree::from(mark)
    };
    Error::new_spanned(TokenStream::from_iter([mark(first), mark(last)]), message)
}
