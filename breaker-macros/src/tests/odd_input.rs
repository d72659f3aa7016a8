//! Odd attributes on odd functions: the macro never panics, and the function never disappears.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

use crate::guard::guard;

/// The invisible group that `macro_rules!` puts around a fragment.
fn invisible(tokens: TokenStream) -> TokenStream {
    TokenTree::from(Group::new(Delimiter::None, tokens)).into()
}

fn punct(mark: char, spacing: Spacing) -> TokenStream {
    TokenTree::from(Punct::new(mark, spacing)).into()
}

fn odd_arguments() -> Vec<TokenStream> {
    let deep = (0..32).fold(quote! { 1 }, |inside, _| quote! { (#inside) });
    let invisibly_deep = (0..32).fold(quote! { 1 }, |inside, _| invisible(inside));
    let nul = Literal::string("\0");
    let bytes = Literal::byte_string(b"prices");
    let huge = "9".repeat(400).parse::<Literal>().expect("a number is a literal");
    let raw = Ident::new_raw("name", Span::call_site());
    let raw_keyword = Ident::new_raw("fn", Span::call_site());
    let (alone, joint) = (punct('=', Spacing::Alone), punct('=', Spacing::Joint));
    let invisible_name = invisible(quote! { "prices" });
    let invisible_key = invisible(quote! { name });
    let invisible_option = invisible(quote! { name = "prices" });
    let twice_invisible = invisible(invisible(quote! { 3 }));
    let nothing = invisible(TokenStream::new());
    vec![
        quote! {},
        quote! { , },
        quote! { ,,, },
        quote! { = },
        quote! { == },
        quote! { - },
        quote! { | },
        quote! { || },
        quote! { # },
        quote! { ! },
        quote! { .. },
        quote! { => },
        punct('\'', Spacing::Joint),
        quote! { 'a },
        quote! { 'a' },
        quote! { () },
        quote! { {} },
        quote! { [] },
        quote! { (((()))) },
        quote! { { [ ( name = "prices" ) ] } },
        quote! { name },
        quote! { name = },
        quote! { name = name },
        quote! { name = name = name },
        quote! { name = = = },
        quote! { name == "prices" },
        quote! { name += "prices" },
        quote! { name => "prices" },
        quote! { name = #nul },
        quote! { name = #bytes },
        quote! { name = c"prices" },
        quote! { name = "prices"suffix },
        quote! { name = -"prices" },
        quote! { #raw = "prices" },
        quote! { #raw_keyword = 3 },
        quote! { fn = 3, impl = 4, self = 5, Self = 6, _ = 7 },
        quote! { name = fn },
        quote! { name = self, window = Self },
        quote! { name #alone "prices" },
        quote! { name #joint "prices" },
        quote! { name = #invisible_name },
        quote! { #invisible_key = "prices" },
        quote! { #invisible_option },
        quote! { name = "prices", window = #twice_invisible },
        quote! { name = #nothing },
        quote! { #nothing },
        quote! { name = "prices", window = #deep },
        quote! { name = "prices", window = #invisibly_deep },
        quote! { name = "prices", window = #huge },
        quote! { name = "prices", failure_rate = #huge },
        quote! { name = "prices", failure_rate = 1e400 },
        quote! { name = "prices", failure_rate = -0.0 },
        quote! { name = "prices", failure_rate = - -1 },
        quote! { name = "prices", failure_rate = "%" },
        quote! { name = "prices", failure_rate = "NaN" },
        quote! { name = "prices", cooldown = "99999999999999999999s" },
        quote! { name = "prices", cooldown = "\u{b5}s" },
        quote! { name = "prices", cooldown = "1\u{b5}" },
        quote! { name = "prices", cooldown = #nul },
        quote! { name = "prices", fallback = | },
        quote! { name = "prices", fallback = || },
        quote! { name = "prices", fallback = |a, },
        quote! { name = "prices", fallback = |a| },
        quote! { name = "prices", fallback = |(a, b)| },
        quote! { name = "prices", fallback = move |a: | a },
        quote! { name = "prices", fallback = async },
        quote! { name = "prices", fallback = { , } },
        quote! { name = "prices", fallback = "" },
        quote! { name = "prices", fallback = <Shop as Prices>::cached::<u8> },
        quote! { name = "prices", failure_if = || , ignore_if = |_, _| },
        quote! { name = "prices", crate = },
        quote! { name = "prices", crate = ::, },
        quote! { name = "prices", crate = a::<u8>::b },
        quote! { name = "prices", crate = r#type },
        quote! { name = "prices", on_cancel = { failure } },
        quote! { name = "prices", on_cancel = failure_after },
        quote! { name = "prices", on_cancel = failure_after(, ) },
        quote! { name = "prices", on_cancel = failure_after(#nul) },
        quote! { name = "prices", on_cancel = failure_after(failure_after) },
        quote! { name::first = "prices" },
        quote! { #[doc] name = "prices" },
        quote! { $name = $value },
        quote! { name = "prices"; window = 3 },
        quote! { name = "prices" window 3 cooldown },
        quote! { struct Shop { name: String } },
    ]
}

fn odd_functions() -> Vec<TokenStream> {
    let body = invisible(quote! { { 1 } });
    let unit = invisible(quote! { () });
    let hash = punct('#', Spacing::Alone);
    let whole = invisible(quote! { fn price() -> Option<u8> { None } });
    let twice = invisible(invisible(quote! { pub fn price() -> Option<u8> { None } }));
    vec![
        quote! { fn price() {} },
        quote! { fn price() -> Option<u8> { None } },
        quote! { fn price(self) {} },
        quote! { fn price(self: Box<Self>, _: u8) -> ! { loop {} } },
        quote! { fn price(&'a mut self, (a, [b, ..]): T, mut c: &u8, ref mut d: U) -> impl Trait { x } },
        quote! { fn price<'a, T: ?Sized, const N: usize>(x: [T; N]) -> Result<&'a T, E> where T: Copy { x } },
        quote! { async fn price(x: impl Fn(u8) -> u8) -> Result<(), ()> { Ok(()) } },
        quote! { pub(in crate::shop) const async unsafe extern "C" fn price() {} },
        quote! { extern "C" fn price(format: *const u8, ...) {} },
        quote! { fn price(format: *const u8, mut rest: ...) {} },
        quote! { fn price(); },
        quote! { fn price() -> u8 = 3; },
        quote! { fn price },
        quote! { fn price() -> { 1 } },
        quote! { fn price() -> Option<> { 1 } },
        quote! { fn price() -> Result<u8> { 1 } },
        quote! { fn price() -> Pin<> { 1 } },
        quote! { fn price() -> Pin<Box<dyn Future>> { 1 } },
        quote! { fn price() -> impl Future { 1 } },
        quote! { fn price() -> BoxFuture { 1 } },
        quote! { fn price(,) {} },
        quote! { fn price(a) {} },
        quote! { fn price(a: u8 b: u8) {} },
        quote! { fn price() { let x = ; } },
        quote! { fn price() { #![allow(unused)] #! } },
        quote! { fn price() { ; ; ; } },
        quote! { #[a] #[b = 1] #[c(d)] fn price() {} },
        quote! { #hash fn price() {} },
        quote! { #[] fn price() {} },
        quote! { #[cfg_attr(x, y)] fn price(#[cfg(z)] a: u8, #[z] _: u8) {} },
        quote! { default fn price() {} },
        quote! { gen fn price() {} },
        quote! { safe fn price() {} },
        quote! { fn r#price() {} },
        quote! { fn price<const N: usize = { 3 }>() {} },
        quote! { fn price() #body },
        quote! { fn price() -> #unit { 1 } },
        quote! { #whole },
        quote! { #twice },
        quote! { fn price() {} fn other() {} },
    ]
}

fn odd_items() -> Vec<TokenStream> {
    let nothing = invisible(TokenStream::new());
    vec![
        quote! {},
        quote! { ; },
        quote! { {} },
        quote! { fn },
        quote! { fn {} },
        quote! { fn () {} },
        quote! { const },
        quote! { const fn },
        quote! { const price: fn() = || {}; },
        quote! { static price: fn() = f; },
        quote! { struct price; },
        quote! { struct price { f: fn() } },
        quote! { enum price {} },
        quote! { union price { f: fn() } },
        quote! { trait price { fn price(); } },
        quote! { impl price for fn() {} },
        quote! { mod price {} },
        quote! { use price; },
        quote! { type price = fn(); },
        quote! { macro_rules! price { () => {} } },
        quote! { price!(); },
        quote! { let price = |x| x; },
        quote! { extern "C" { fn price(); } },
        quote! { |price| price },
        quote! { #nothing },
        quote! { price },
        quote! { 1 },
        quote! { "price" },
    ]
}

fn holds(tokens: &TokenStream, word: &str) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident.to_string().trim_start_matches("r#") == word,
        TokenTree::Group(group) => holds(&group.stream(), word),
        _ => false,
    })
}

#[test]
fn no_arguments_take_the_function_away() {
    let functions = [
        quote! { fn price(sku: &str) -> Result<u8, String> { sku.parse() } },
        quote! { async fn price(&mut self, sku: String) -> Option<u8> { None } },
    ];
    for arguments in odd_arguments() {
        for function in &functions {
            let guarded = guard(arguments.clone(), function);
            assert!(holds(&guarded, "price"), "{arguments} on {function} gives {guarded}");
        }
    }
}

#[test]
fn no_function_disappears() {
    for arguments in
        [quote! { name = "prices" }, quote! { name = "prices", fallback = other }, quote! {}]
    {
        for function in odd_functions() {
            let guarded = guard(arguments.clone(), &function);
            assert!(holds(&guarded, "price"), "{arguments} on {function} gives {guarded}");
        }
    }
}

#[test]
fn what_is_no_function_stays_as_it_was_with_an_error() {
    for item in odd_items() {
        let guarded = guard(quote! { name = "prices" }, &item).to_string();
        assert!(guarded.starts_with(&item.to_string()), "{item} gives {guarded}");
        assert!(guarded.contains("compile_error"), "{item} gives {guarded}");
    }
}

#[test]
fn odd_arguments_and_odd_items_meet() {
    for item in odd_functions().into_iter().chain(odd_items()) {
        for arguments in odd_arguments() {
            drop(guard(arguments, &item));
        }
    }
}

/// Tested alone, this crate has no timer.
#[cfg(not(feature = "tokio"))]
#[test]
fn without_a_timer_the_options_that_need_one_name_the_feature() {
    let function = "async fn price() -> Option<u32> { None }";
    for option in ["call_timeout = \"1s\"", "max_concurrent = 1, max_wait = \"1s\""] {
        let args = format!("name = \"prices\", {option}");
        let guarded = guard(args.parse().unwrap(), &function.parse().unwrap()).to_string();
        assert!(guarded.contains("needs the feature `tokio` of breaker-runtime"), "{guarded}");
    }
    let sync = "fn price() -> Option<u32> { None }".parse().unwrap();
    let args = "name = \"prices\", max_concurrent = 1, max_wait = \"1s\"".parse().unwrap();
    assert!(!guard(args, &sync).to_string().contains("compile_error"));
}

/// Tested alone, this crate guards no streams.
#[cfg(not(feature = "stream"))]
#[test]
fn without_the_feature_a_type_that_looks_like_a_stream_names_it() {
    let refused = |function: &str| {
        let args = quote! { name = "prices" };
        let guarded = guard(args, &function.parse().unwrap()).to_string();
        assert!(guarded.matches("compile_error").count() <= 1, "{guarded}");
        guarded.contains("the feature `stream` of breaker-runtime")
    };
    for ty in [
        "impl Stream<Item = u8>",
        "Pin<Box<dyn Stream<Item = u8>>>",
        "BoxStream<u8>",
        "Self::Stream",
    ] {
        assert!(refused(&format!("fn prices() -> {ty} {{}}")), "{ty}");
    }
    for ty in ["TcpStream", "TokenStream", "Result<BoxStream<u8>, E>", "Streams", "impl Streaming"]
    {
        assert!(!refused(&format!("fn prices() -> {ty} {{}}")), "{ty}");
    }
}

/// Runs the test on a stack as large as the compiler's.
fn on_the_compilers_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(test);
    thread.expect("there is memory").join().expect("the test passes");
}

fn nested(depth: usize, open: &str, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn sixty_brackets_in_each_other_are_guarded() {
    on_the_compilers_stack(|| {
        for (open, close) in [("(", ")"), ("{", "}"), ("[", "]"), ("f(", ")"), ("if a {", "}")] {
            let args = format!("name = \"prices\", fallback = {}", nested(64, open, "a", close));
            let function = "fn price() -> Price {}".parse().unwrap();
            let guarded = guard(args.parse().unwrap(), &function).to_string();
            assert!(!guarded.contains("compile_error"), "{guarded}");
        }
        for (open, close) in [("A<", ">"), ("(", ")"), ("&[", "]"), ("Box<dyn Fn() -> ", ">")] {
            let ty = nested(62, open, "u8", close);
            let function = format!("fn price(a: {ty}) -> Option<u8> {{ None }}").parse().unwrap();
            let guarded = guard(quote! { name = "prices" }, &function).to_string();
            assert!(!guarded.contains("compile_error"), "{guarded}");
        }
    });
}

#[test]
fn a_body_may_be_nested_as_deeply_as_the_compiler_likes() {
    let body = nested(1_000, "{", "None", "}");
    let function = format!("fn price() -> Option<u8> {{ {body} }}").parse().unwrap();
    let guarded = guard(quote! { name = "prices" }, &function).to_string();
    assert!(!guarded.contains("compile_error"), "{guarded}");
}
