//! Puts the attribute on every function of a source file.
//!
//! This works on tokens, not on items, so that it also reaches functions inside `macro_rules!` and `cfg_*!`.

use std::fmt::Write as _;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// A source file with the attribute on its functions.
pub(crate) struct Annotated {
    pub(crate) text: String,
    /// How many functions have it.
    pub(crate) functions: usize,
}

/// Annotates the functions of `source`. Circuits are named after `file`. Functions named in `bare` stay as
/// they are.
pub(crate) fn annotate(source: &str, file: &str, bare: &[&str]) -> Result<Annotated> {
    let tokens: TokenStream =
        source.parse().map_err(|error| anyhow!("{file} cannot be read: {error}"))?;
    let mut functions = Vec::new();
    find(tokens, &mut functions);
    functions.retain(|function| function.can_be_guarded() && !bare.contains(&&*function.name));
    functions.sort_by_key(|function| function.begins_at);
    let mut text = String::with_capacity(source.len() * 2);
    let mut copied = 0;
    for function in &functions {
        text.push_str(&source[copied..function.begins_at]);
        copied = function.begins_at;
        let (line, name) = (function.line, &function.name);
        // No failure ever opens these circuits, so nothing but the shape of the function matters.
        write!(
            text,
            "#[::breaker_runtime::circuit_breaker(name = \"{file}:{line} {name}\", \
             failure_threshold = 4_294_967_295{})] ",
            function.fallback()
        )?;
    }
    text.push_str(&source[copied..]);
    Ok(Annotated { text, functions: functions.len() })
}

/// A function with a body.
struct Function {
    name: String,
    /// Where its visibility or first keyword is.
    begins_at: usize,
    line: usize,
    /// The words of its attributes.
    attributes: Vec<String>,
    qualifiers: Vec<String>,
    arguments: Group,
    /// What is between `->` and the body.
    output: Vec<TokenTree>,
}

impl Function {
    /// What the documentation says cannot be guarded.
    fn can_be_guarded(&self) -> bool {
        let has = |word: &str| self.attributes.iter().any(|attribute| attribute == word);
        let is_const = self.qualifiers.iter().any(|word| word == "const");
        let is_variadic = self.arguments.stream().to_string().ends_with("...");
        !is_const && !is_variadic && !has("test")
    }

    /// A fallback that changes no answer, where the return type needs one, and what counts where nothing in it can
    /// fail.
    fn fallback(&self) -> &'static str {
        match self.returned().as_deref() {
            Some("Option") => "",
            Some("Result") => {
                ", fallback = |error| match error { \
                 ::breaker_runtime::CallError::Failed(error) => ::core::result::Result::Err(error), \
                 _ => ::core::unreachable!() }"
            }
            _ => ", failures = panics, fallback = ::core::unreachable!(), fallback_on = rejected",
        }
    }

    /// The last name of a returned path: `Result` for `io::Result<T>`.
    fn returned(&self) -> Option<String> {
        let path = self.output.iter().take_while(|tree| !is_mark(tree, '<'));
        let only_names =
            |tree: &&TokenTree| matches!(tree, TokenTree::Ident(_)) || is_mark(tree, ':');
        if !path.clone().all(|tree| only_names(&tree)) {
            return None;
        }
        path.last().map(ToString::to_string)
    }
}

/// Finds the functions among tokens, also in groups.
fn find(tokens: TokenStream, functions: &mut Vec<Function>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word) if word == "fn" => functions.extend(function(&trees, at)),
            TokenTree::Group(group) => match macro_before(&trees, at).as_deref() {
                None => find(group.stream(), functions),
                Some("macro_rules") => find_in_rules(group.stream(), functions),
                Some(name) if name.starts_with("cfg_") => find(group.stream(), functions),
                // Other macros have a grammar of their own.
                Some(_) => {}
            },
            _ => {}
        }
    }
}

/// Only what rules expand to is code.
fn find_in_rules(rules: TokenStream, functions: &mut Vec<Function>) {
    let trees: Vec<TokenTree> = rules.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        if let TokenTree::Group(group) = tree
            && at >= 2
            && is_mark(&trees[at - 1], '>')
            && is_mark(&trees[at - 2], '=')
        {
            find(group.stream(), functions);
        }
    }
}

/// The macro whose arguments the group is.
fn macro_before(trees: &[TokenTree], group: usize) -> Option<String> {
    let name_of = |bang: usize| match (trees.get(bang.checked_sub(1)?)?, trees.get(bang)?) {
        (TokenTree::Ident(name), bang) if is_mark(bang, '!') => Some(name.to_string()),
        _ => None,
    };
    let direct = group.checked_sub(1).and_then(name_of);
    let named = || group.checked_sub(2).and_then(name_of).filter(|name| name == "macro_rules");
    direct.or_else(named)
}

/// The function whose `fn` that is, if it has a name and a body.
fn function(trees: &[TokenTree], keyword: usize) -> Option<Function> {
    let mut next = keyword + 1;
    if is_mark(trees.get(next)?, '$') {
        next += 1;
    }
    let TokenTree::Ident(name) = trees.get(next)? else { return None };
    let after_generics = &trees[next + 1 + generics(&trees[next + 1..])..];
    let arguments = group(after_generics.first()?, Delimiter::Parenthesis)?;
    let is_end = |tree: &TokenTree| is_mark(tree, ';') || group(tree, Delimiter::Brace).is_some();
    let end = after_generics.iter().position(is_end)?;
    group(&after_generics[end], Delimiter::Brace)?;
    let output = match &after_generics[1..end] {
        [minus, greater, output @ ..] if is_mark(minus, '-') && is_mark(greater, '>') => {
            output.iter().take_while(|tree| !is_word(tree, "where")).cloned().collect()
        }
        _ => Vec::new(),
    };
    let first = first_qualifier(trees, keyword);
    let span = trees[first].span();
    Some(Function {
        name: name.to_string(),
        begins_at: span.byte_range().start,
        line: span.start().line,
        attributes: attributes_before(trees, first),
        qualifiers: trees[first..keyword].iter().map(ToString::to_string).collect(),
        arguments: arguments.clone(),
        output,
    })
}

/// How many tokens `<T: Fn() -> U>` takes; none without `<`.
fn generics(trees: &[TokenTree]) -> usize {
    let mut depth = 0;
    for (at, tree) in trees.iter().enumerate() {
        let is_arrow = at > 0 && is_mark(&trees[at - 1], '-');
        if is_mark(tree, '<') {
            depth += 1;
        } else if is_mark(tree, '>') && !is_arrow {
            depth -= 1;
        }
        if depth == 0 {
            return if at == 0 { 0 } else { at + 1 };
        }
    }
    trees.len()
}

/// Where `pub(crate) async unsafe extern "C" fn` begins.
fn first_qualifier(trees: &[TokenTree], keyword: usize) -> usize {
    const WORDS: [&str; 7] = ["pub", "default", "const", "async", "unsafe", "safe", "extern"];
    let mut first = keyword;
    loop {
        let before = |count: usize| first.checked_sub(count).and_then(|at| trees.get(at));
        first -= match (before(2), before(1)) {
            (Some(dollar), Some(TokenTree::Ident(_))) if is_mark(dollar, '$') => 2,
            (Some(vis), Some(TokenTree::Group(_))) if is_word(vis, "pub") => 2,
            (Some(abi), Some(TokenTree::Literal(_))) if is_word(abi, "extern") => 2,
            (_, Some(word)) if WORDS.iter().any(|one| is_word(word, one)) => 1,
            _ => return first,
        };
    }
}

/// The words of the attributes that stand before a token.
fn attributes_before(trees: &[TokenTree], mut first: usize) -> Vec<String> {
    let mut words = Vec::new();
    while first >= 2
        && is_mark(&trees[first - 2], '#')
        && let Some(attribute) = group(&trees[first - 1], Delimiter::Bracket)
    {
        collect_words(attribute.stream(), &mut words);
        first -= 2;
    }
    words
}

fn collect_words(tokens: TokenStream, words: &mut Vec<String>) {
    for tree in tokens {
        match tree {
            TokenTree::Ident(word) => words.push(word.to_string()),
            TokenTree::Group(group) => collect_words(group.stream(), words),
            _ => {}
        }
    }
}

fn group(tree: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match tree {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

fn is_mark(tree: &TokenTree, mark: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if *ident == Ident::new(word, ident.span()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(source: &str) -> Annotated {
        annotate(source, "lib.rs", &[]).expect("the source is Rust")
    }

    #[test]
    fn the_attribute_stands_before_the_visibility() {
        let Annotated { text, functions } = annotated(
            "/// Docs.\n#[inline]\npub(crate) async unsafe fn f(x: u8) -> Option<u8> { None }",
        );
        assert_eq!(functions, 1);
        assert!(text.starts_with(
            "/// Docs.\n#[inline]\n#[::breaker_runtime::circuit_breaker(name = \"lib.rs:3 f\""
        ));
        assert!(text.ends_with(")] pub(crate) async unsafe fn f(x: u8) -> Option<u8> { None }"));
    }

    #[test]
    fn a_result_gives_its_own_failures_back() {
        let result = "fn f<F: Fn(u8) -> u8>(f: F) -> io::Result<u8> where F: Copy { Ok(1) }";
        assert!(annotated(result).text.contains("fallback = |error|"));
        assert!(!annotated("fn f() -> Option<u8> { None }").text.contains("fallback"));
        assert!(
            annotated("fn f() -> [Result<u8>; 1] { todo!() }")
                .text
                .contains("unreachable!(), fallback_on")
        );
    }

    #[test]
    fn functions_in_rules_and_in_other_functions_are_found() {
        let source = "macro_rules! make { ($name:ident fn x() {}) => { $(pub fn $name() {})* } } \
                      cfg_rt! { fn outer() { fn inner() {} } }";
        assert_eq!(annotated(source).functions, 3);
    }

    #[test]
    fn what_cannot_be_guarded_stays_as_it_is() {
        for source in [
            "trait T { fn f(&self); }",
            "pub const fn f() {}",
            "extern \"C\" { fn f(); }",
            "#[test] fn f() {}",
            "type F = fn(u8) -> u8;",
            "pin_project! { impl S { fn f() {} } }",
        ] {
            let Annotated { text, functions } = annotated(source);
            assert_eq!((functions, &*text), (0, source));
        }
    }
}
