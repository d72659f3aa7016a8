//! Whether a body may leave its function early: by `return`, by `?`, or by a macro that does.
//!
//! A body that does not can run in the function itself. One that does becomes a closure, so that the call is
//! settled in any case. A closure has its own stack frame and its own `#[track_caller]` location.

use proc_macro2::{Ident, TokenStream, TokenTree};

/// Macros of the standard library that never return from the function. Any other macro may.
const STANDARD: [&str; 32] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "include_bytes",
    "include_str",
    "line",
    "matches",
    "module_path",
    "option_env",
    "panic",
    "print",
    "println",
    "stringify",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// Keywords that `!` may follow.
const KEYWORDS: [&str; 6] = ["break", "else", "if", "in", "match", "while"];

/// Whether the tokens may leave the function around them.
pub(crate) fn may_exit(tokens: TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    trees.iter().enumerate().any(|(at, tree)| match tree {
        TokenTree::Ident(word) if is_macro(&trees[at + 1..]) => !is_known(word, &trees[..at]),
        TokenTree::Ident(word) => word == "return",
        TokenTree::Punct(mark) => mark.as_char() == '?',
        TokenTree::Group(group) => may_exit(group.stream()),
        TokenTree::Literal(_) => false,
    })
}

/// Whether `!` and something that is not `=` follow.
fn is_macro(after: &[TokenTree]) -> bool {
    let is_bang = matches!(after.first(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
    is_bang && matches!(after.get(1), Some(TokenTree::Group(_) | TokenTree::Ident(_)))
}

fn is_known(word: &Ident, before: &[TokenTree]) -> bool {
    let is = |words: &[&str]| words.iter().any(|known| word == known);
    is(&KEYWORDS) || is(&STANDARD) && is_from_std(before)
}

/// Whether a macro has no path, or one that begins with a crate of the standard library.
fn is_from_std(before: &[TokenTree]) -> bool {
    let [.., first, TokenTree::Punct(one), TokenTree::Punct(other)] = before else { return true };
    if one.as_char() != ':' || other.as_char() != ':' {
        return true;
    }
    matches!(first, TokenTree::Ident(krate) if ["std", "core", "alloc"].iter().any(|std| krate == std))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn a_plain_body_stays_to_its_end() {
        assert!(!may_exit(quote! { self.items.get(&key).copied() }));
        assert!(!may_exit(quote! { assert_ne!(a, b, "why?"); ::core::panic!("no {a}") }));
        assert!(!may_exit(
            quote! { if !(a != b) && !flags[0] { loop { break 1 } } else { match !a { _ => 2 } } }
        ));
    }

    #[test]
    fn every_early_way_out_is_seen() {
        assert!(may_exit(quote! { if a { return 1; } 2 }));
        assert!(may_exit(quote! { loop { return !(a) } }));
        assert!(may_exit(quote! { Ok(read()?.len()) }));
        assert!(may_exit(quote! { format!("{}", read()?) }));
        assert!(may_exit(quote! { ready!(self.poll()) }));
        assert!(may_exit(quote! { my::write!(out) }));
        assert!(may_exit(quote! { macro_rules! leave { () => { 1 } } leave!() }));
    }
}
