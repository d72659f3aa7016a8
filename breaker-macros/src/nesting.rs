//! How deep tokens may be nested before the parser sees them.
//!
//! `syn` follows brackets by recursion, and a stack that overflows takes the compiler with it, without a
//! word about where. So what is nested too deeply is an error at its place, and is never parsed. A body is
//! not parsed either way, and may be nested as deeply as the compiler likes.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::Error;

/// A level takes the parser up to 75 KiB when it is not optimised, of the 8 MiB that the compiler has.
const DEEPEST: usize = 64;

/// Refuses tokens that are nested too deeply to be parsed.
pub(crate) fn check(tokens: TokenStream) -> syn::Result<()> {
    below(tokens, 0)
}

/// Angle brackets are no groups, so they are counted until they close, or until a `;` shows that they were
/// comparisons.
fn below(tokens: TokenStream, outside: usize) -> syn::Result<()> {
    let mut level = outside;
    let mut is_arrow = false;
    for tree in tokens {
        if level == DEEPEST && is_opening(&tree) {
            let message = format!("nested too deeply: more than {DEEPEST} brackets in each other");
            return Err(Error::new(tree.span(), message));
        }
        let was_arrow = std::mem::take(&mut is_arrow);
        match tree {
            TokenTree::Group(group) => below(group.stream(), level + 1)?,
            TokenTree::Punct(mark) => match mark.as_char() {
                '<' => level += 1,
                '>' if !was_arrow => level = level.saturating_sub(1).max(outside),
                ';' => level = outside,
                '-' | '=' => is_arrow = mark.spacing() == Spacing::Joint,
                _ => {}
            },
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
    }
    Ok(())
}

fn is_opening(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Group(_) => true,
        TokenTree::Punct(mark) => mark.as_char() == '<',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(tokens: &str) -> bool {
        check(tokens.parse().expect("the test's tokens are tokens")).is_err()
    }

    /// So many of one thing, with the other thing in the middle.
    fn nested(depth: usize, open: &str, middle: &str, close: &str) -> String {
        format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
    }

    #[test]
    fn brackets_of_all_kinds_are_counted() {
        for (open, close) in
            [("(", ")"), ("[", "]"), ("{", "}"), ("A<", ">"), ("<A as B<", ">>::C"), ("(A<", ">)")]
        {
            let deepest = DEEPEST / open.matches(['(', '[', '{', '<']).count();
            assert!(!is_refused(&nested(deepest, open, "1", close)), "{open}");
            assert!(is_refused(&nested(deepest + 1, open, "1", close)), "{open}");
        }
    }

    #[test]
    fn brackets_side_by_side_are_not_nested() {
        for again in ["(1), ", "A<B>, ", "fn(A) -> A<B>, ", "{ a < b; } ", "a < b; ", "a => b, "] {
            assert!(!is_refused(&again.repeat(DEEPEST * 2)), "{again}");
        }
    }

    #[test]
    fn an_arrow_closes_nothing() {
        assert!(is_refused(&nested(DEEPEST + 1, "A<fn() -> ", "u8", ">")));
    }
}
