//! How deep tokens may be nested before the parser sees them.
//!
//! `syn` follows brackets by recursion, and a stack that overflows takes the compiler with it, without a
//! word about where. So brackets that are nested too deeply are an error at their place, and are never parsed.
//! Thousands of operators in one expression are not looked for. A body is not parsed either way, and may be nested
//! as deeply as the compiler likes.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::Error;

/// A level takes the parser up to 75 KiB when it is not optimised, of the 8 MiB that the compiler has.
const DEEPEST: usize = 64;

/// Refuses tokens that are nested too deeply to be parsed.
pub(crate) fn check(tokens: TokenStream) -> syn::Result<()> {
    below(tokens, 0)
}

/// Angle brackets are no groups, so they are counted until they close, or until it shows that they were
/// comparisons: at a `;`, and at `&&` and `||` between operands.
fn below(tokens: TokenStream, outside: usize) -> syn::Result<()> {
    let mut level = outside;
    let mut before = Before::Nothing;
    for tree in tokens {
        let is_comparison = before == Before::Value && !matches!(tree, TokenTree::Group(_));
        if level == DEEPEST && is_opening(&tree) && !is_comparison {
            let message = format!("nested too deeply: more than {DEEPEST} brackets in each other");
            return Err(Error::new(tree.span(), message));
        }
        before = match tree {
            TokenTree::Group(group) => {
                below(group.stream(), level + 1)?;
                Before::Value
            }
            TokenTree::Literal(_) => Before::Value,
            TokenTree::Ident(_) => Before::Name,
            TokenTree::Punct(mark) => {
                let joint = mark.spacing() == Spacing::Joint;
                match (mark.as_char(), before) {
                    // The rest of a `<<` is no more of a bracket.
                    ('<', Before::Value) if joint => Before::Value,
                    ('<', Before::Value) | ('>', Before::Arrow) => Before::Nothing,
                    ('<', _) => {
                        level += 1;
                        Before::Nothing
                    }
                    ('>', _) => {
                        level = level.saturating_sub(1).max(outside);
                        Before::Name
                    }
                    (';', _) => {
                        level = outside;
                        Before::Nothing
                    }
                    ('-' | '=', _) if joint => Before::Arrow,
                    (half @ ('&' | '|'), Before::Value | Before::Name) if joint => {
                        Before::Half(half)
                    }
                    (half @ ('&' | '|'), Before::Half(other)) if half == other => {
                        level = outside;
                        Before::Nothing
                    }
                    _ => Before::Nothing,
                }
            }
        };
    }
    Ok(())
}

/// What stands before a token.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Something that can have no generics, so a `<` compares.
    Value,
    /// Something that ends an operand, and may have generics.
    Name,
    /// The first half of `->` or `=>`.
    Arrow,
    /// The first half of `&&` or `||` after an operand.
    Half(char),
    Nothing,
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
        for again in [
            "a < b && ",
            "1 << 2 | ",
            "a <= b || ",
            "f(a) < b | ",
            "(1), ",
            "A<B>, ",
            "fn(A) -> A<B>, ",
            "{ a < b; } ",
            "a < b; ",
            "a => b, ",
        ] {
            assert!(!is_refused(&again.repeat(DEEPEST * 2)), "{again}");
        }
    }

    #[test]
    fn an_arrow_closes_nothing() {
        assert!(is_refused(&nested(DEEPEST + 1, "A<fn() -> ", "u8", ">")));
    }
}
