//! Functions and attributes as people write them, put together at random and then damaged.
#![no_main]

use arbitrary::{Result, Unstructured};
use breaker_fuzz::{OPTIONS, check, tokens};
use libfuzzer_sys::fuzz_target;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What stands for an option and is none, or is written in another way.
const ODD_NAMES: &[&str] = &["timeout", "falback", "r#name"];

const VALUES: &[&str] = &[
    "\"prices\"",
    "\"a/b\"",
    "\"\"",
    "\"30s\"",
    "\"1m 30s\"",
    "\"250ms\"",
    "\"5\"",
    "\"x{sku}\"",
    "5",
    "0",
    "-1",
    "0.5",
    "1.0",
    "1e400",
    "5u64",
    "LIMIT",
    "SHARED",
    "Config::new().failure_threshold(3)",
    "concat!(\"a\", \"b\")",
    "Self::LIMIT",
    "self.limit",
    "Duration::from_secs(3)",
    "{ 3 }",
    "(3)",
    "true",
    "'a'",
    "b\"x\"",
    "c\"x\"",
    "ignore",
    "failure",
    "any",
    "rejected",
    "cached",
    "self::cached::<u8>",
    "<Shop as Prices>::cached",
    "None",
    "Ok(sku.len())",
    "|err| Ok(0)",
    "|err| match err { _ => Err(err.into()) }",
    "|err: CallError<E>| -> Result<u8, E> { Ok(*sku) }",
    "|_| async { Ok(1) }.await",
    "async move |err| Ok(1)",
    "move || 3",
    "|a, b| a",
    "|(a, b): &(u8, u8)| *a > 3",
    "|value| value.is_none()",
    "Fault::is_absent",
    "format_args!(\"{host}:{port}\")",
    "host",
    "request.host",
    "&self.name",
    "crate::breakers",
    "::other::path",
    "{ return None }",
    "vec![sku; 3]",
    "if sku { 1 } else { 2 }",
    "[1, 2]",
    "Shop { sku, ..x }",
    "x as u8 + 1 * 2",
];

const BEFORE: &[&str] = &[
    "",
    "pub",
    "pub(crate)",
    "#[inline]",
    "#[track_caller]",
    "/// Doc.\n",
    "#[cfg(x)] pub(in a::b)",
    "async",
    "pub async",
    "unsafe",
    "const",
    "extern \"C\"",
    "pub async unsafe extern \"Rust\"",
    "default",
    "#[a(b = \"c\")] #[d]",
    "crate",
    "struct Shop;",
    "impl Shop",
];

const GENERICS: &[&str] = &[
    "",
    "<T>",
    "<'a, T: Clone + 'a>",
    "<const N: usize>",
    "<const N: usize = { 3 }>",
    "<T: for<'a> Fn(&'a u8) -> &'a u8 = u8>",
];

const ARGUMENTS: &[&str] = &[
    "",
    "self",
    "&self",
    "&mut self",
    "mut self",
    "&'a self",
    "self: Box<Self>",
    "self: &mut Self",
    "sku: &str",
    "mut sku: String",
    "(a, [b, ..]): (u8, [u8; 3])",
    "Shop { sku, host: h }: Shop",
    "&mut x: &mut u8",
    "ref y: u8",
    "z @ 1..=3: u8",
    "_: T",
    "f: impl Fn(u8) -> u8",
    "#[cfg(x)] q: u8",
    "request: &'a mut dyn Any",
    "r#type: u8",
    "args: ...",
    "n: [u8; { 1 + 2 }]",
    "p: (*const u8)",
    "g: fn(&u8) -> Box<dyn Fn()>",
    "host: T::Host",
    "0..=3 | 7: u8",
];

const RETURNS: &[&str] = &[
    "",
    "-> Result<u8, E>",
    "-> Option<T>",
    "-> !",
    "-> ()",
    "-> &'a str",
    "-> io::Result<()>",
    "-> impl Future<Output = Result<u8, E>> + Send",
    "-> Pin<Box<dyn Future<Output = u8> + 'a>>",
    "-> BoxFuture<'a, Option<u8>>",
    "-> impl Iterator<Item = u8>",
    "-> (Result<(), E>)",
    "-> Self",
    "-> [u8; N]",
    "-> Box<dyn Error>",
    "-> Result<impl Sized, E>",
    "-> Result<u8>",
    "-> impl Future",
    "-> Pin<u8>",
    "-> _",
    "-> Vec<Result<u8, E>> where T: Copy",
    "->",
];

const BODIES: &[&str] = &[
    "{ None }",
    "{ fetch(sku)? }",
    "{ return Ok(1); }",
    "{ #![allow(unused)] 3 }",
    "{}",
    ";",
    "{ a; b; c.await }",
    "{ loop { break 'a 1 } }",
    "= 3;",
    "{ fn price() {} price() }",
    "",
];

fuzz_target!(|bytes: &[u8]| {
    let mut source = Unstructured::new(bytes);
    if let Ok((args, item)) = attribute(&mut source) {
        check(args, &item);
    }
});

fn attribute(source: &mut Unstructured<'_>) -> Result<(TokenStream, TokenStream)> {
    let mut args =
        if source.ratio(7, 8)? { "name = \"prices\", ".to_owned() } else { String::new() };
    for _ in 0..source.int_in_range(0..=5)? {
        args += &format!("{} = {}, ", name(source)?, source.choose(VALUES)?);
    }
    let before = source.choose(BEFORE)?;
    let generics = source.choose(GENERICS)?;
    let mut arguments = String::new();
    for _ in 0..source.int_in_range(0..=4)? {
        arguments += &format!("{}, ", source.choose(ARGUMENTS)?);
    }
    let returns = source.choose(RETURNS)?;
    let body = source.choose(BODIES)?;
    let item = format!("{before} fn price{generics}({arguments}) {returns} {body}");
    let read = |text: &str| tokens(text).expect("these are tokens");
    Ok((damaged(read(&args), source), damaged(read(&item), source)))
}

/// An option, or a word that is none.
fn name(source: &mut Unstructured<'_>) -> Result<&'static str> {
    let at = source.choose_index(OPTIONS.len() + ODD_NAMES.len())?;
    Ok(OPTIONS.get(at).map_or_else(|| ODD_NAMES[at - OPTIONS.len()], |option| option.name))
}

/// Each token goes, comes twice, moves into an invisible group or trades places, or more likely stays.
fn damaged(tokens: TokenStream, source: &mut Unstructured<'_>) -> TokenStream {
    let mut trees: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        let tree = match tree {
            TokenTree::Group(group) => {
                TokenTree::from(Group::new(group.delimiter(), damaged(group.stream(), source)))
            }
            tree => tree,
        };
        // No more bytes mean no more damage.
        match source.arbitrary::<u8>().unwrap_or_default() {
            255 => {}
            254 => trees.extend([tree.clone(), tree]),
            253 => trees.push(Group::new(Delimiter::None, tree.into()).into()),
            252 => trees.insert(trees.len().saturating_sub(1), tree),
            251 => {
                let before = trees.drain(trees.len().saturating_sub(3)..).chain([tree]).collect();
                trees.push(Group::new(Delimiter::None, before).into());
            }
            _ => trees.push(tree),
        }
    }
    trees.into_iter().collect()
}
