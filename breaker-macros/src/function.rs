//! The annotated function: its kind, its return type, and how its arguments may be kept.
//!
//! The body is never parsed. Its brace group is used as it is. So precedence groups from `macro_rules!`,
//! spans and syntax errors stay as they were.

pub(crate) mod argument;
mod exits;
pub(crate) mod output;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser as _};
use syn::{
    Attribute, Error, Expr, FnArg, GenericParam, ReceiverKind, ReturnType, Signature, Type,
    Visibility,
};

use self::argument::{Argument, argument};
use self::exits::may_exit;
use self::output::{Flavor, Output, is_stream, output, peel_type};

/// A function that can be guarded.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) signature: Signature,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) flavor: Flavor,
    pub(crate) output: Output,
    /// `#![..]` attributes at the start of the body.
    pub(crate) inner_attrs: TokenStream,
    pub(crate) body: Group,
    /// The body never leaves the function early.
    pub(crate) stays_to_its_end: bool,
}

/// `self`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Receiver {
    Shared,
    Exclusive,
    /// By value, also in a box or another wrapper.
    Owned,
}

impl Function {
    pub(crate) fn parse(item: &TokenStream) -> syn::Result<Self> {
        let mut header: Vec<TokenTree> = peel(item.clone()).into_iter().collect();
        let last = header.pop();
        if let Some(error) = not_a_function(&header, last.as_ref()) {
            return Err(error);
        }
        let Some(body) = last.as_ref().and_then(brace_group) else {
            return Err(no_body(&header, last));
        };
        let header: TokenStream = header.into_iter().collect();
        let (attrs, vis, signature) = parse_header.parse2(header)?;
        refuse_kinds(&signature)?;
        let (inner_attrs, body) = split_inner_attrs(body);
        Ok(Self::of(attrs, vis, signature, inner_attrs, body))
    }

    fn of(
        attrs: Vec<Attribute>,
        vis: Visibility,
        signature: Signature,
        inner_attrs: TokenStream,
        body: Group,
    ) -> Self {
        let receiver = signature.receiver().map(receiver);
        let mut arguments = Vec::new();
        for (position, input) in signature.inputs.iter().enumerate() {
            if let FnArg::Typed(typed) = input {
                arguments.push(argument(position, typed));
            }
        }
        let (flavor, output) = output(&signature);
        let stays_to_its_end = !may_exit(body.stream());
        Self {
            attrs,
            vis,
            signature,
            receiver,
            arguments,
            flavor,
            output,
            inner_attrs,
            body,
            stays_to_its_end,
        }
    }

    pub(crate) fn is_async(&self) -> bool {
        self.flavor != Flavor::Sync
    }

    /// Whether it returns a stream.
    pub(crate) fn returns_stream(&self) -> bool {
        matches!(self.flavor, Flavor::Stream | Flavor::BoxedStream | Flavor::NamedStream)
    }

    /// Whether it is an `async fn` that returns a stream, by its name.
    pub(crate) fn resolves_to_stream(&self) -> bool {
        self.flavor == Flavor::Async && is_stream(&self.output.written)
    }

    /// Whether it is a sync function that returns a future or a stream.
    pub(crate) fn returns_future(&self) -> bool {
        !matches!(self.flavor, Flavor::Sync | Flavor::Async)
    }

    pub(crate) fn self_span(&self) -> Option<Span> {
        self.signature.receiver().map(|receiver| receiver.self_token.span)
    }

    /// The generic type or constant of the function that this expression uses.
    pub(crate) fn parameter_in(&self, value: &Expr) -> Option<Ident> {
        let mut is_first = true;
        for tree in flatten(value.to_token_stream()) {
            if let TokenTree::Ident(word) = &tree
                && is_first
                && self.signature.generics.params.iter().any(|param| match param {
                    GenericParam::Type(ty) => ty.ident == *word,
                    GenericParam::Const(constant) => constant.ident == *word,
                    GenericParam::Lifetime(_) => false,
                })
            {
                return Some(word.clone());
            }
            // A name after `::` or `.` belongs to what stands before it.
            is_first =
                !matches!(tree, TokenTree::Punct(mark) if [':', '.'].contains(&mark.as_char()));
        }
        None
    }

    /// `#[track_caller]`, also in a `#[cfg_attr]`.
    pub(crate) fn track_caller(&self) -> Option<&Attribute> {
        let tracks = |tree| matches!(tree, TokenTree::Ident(word) if word == "track_caller");
        self.attrs.iter().find(|attr| {
            let is_conditional = attr.path().is_ident("cfg_attr");
            attr.path().is_ident("track_caller")
                || is_conditional && flatten(attr.to_token_stream()).into_iter().any(tracks)
        })
    }

    pub(crate) fn tracks_caller(&self) -> bool {
        self.track_caller().is_some()
    }

    /// Whether it looks like a method of `Index` or `IndexMut`, whose implementations inherit
    /// `#[track_caller]`. A macro cannot see the `impl`.
    pub(crate) fn is_indexing(&self) -> bool {
        let name = &self.signature.ident;
        let returns_reference = match &self.signature.output {
            ReturnType::Type(_, ty) => matches!(peel_type(ty), Type::Reference(_)),
            ReturnType::Default => false,
        };
        (name == "index" || name == "index_mut")
            && matches!(self.vis, Visibility::Inherited)
            && matches!(self.receiver, Some(Receiver::Shared | Receiver::Exclusive))
            && self.arguments.len() == 1
            && returns_reference
    }

    /// The span of the function's block. The dead-code lint needs the user's. Clippy compares the block of
    /// `clone` and `partial_cmp` with what it expects, unless it comes from a macro.
    pub(crate) fn block_span(&self) -> Span {
        let is = |name| self.receiver.is_some() && self.signature.ident == name;
        let is_compared = is("clone") || is("partial_cmp");
        let written = self.body.span();
        if is_compared { Span::mixed_site().located_at(written) } else { written }
    }

    /// Whether the body runs in the function itself, with nothing between it and its caller. An owned `self`
    /// that the body does not use must be dropped before the call is settled, which takes a closure. A
    /// function that tracks its caller cannot have one.
    pub(crate) fn runs_in_place(&self) -> bool {
        let keeps_self = self.receiver != Some(Receiver::Owned) || self.tracks_caller();
        self.flavor == Flavor::Sync && self.stays_to_its_end && keeps_self
    }

    /// Whether the body runs in a nested function.
    pub(crate) fn is_called_inside(&self) -> bool {
        self.tracks_caller() && !self.runs_in_place()
    }

    /// Whether `#[track_caller]` can be kept. Closures lose the caller's location. Nested functions keep it,
    /// but cannot use `self` or `Self`.
    pub(crate) fn can_track_caller(&self) -> bool {
        let names_self = |tree| matches!(tree, TokenTree::Ident(word) if word == "Self");
        if self.runs_in_place() {
            return true;
        }
        self.flavor == Flavor::Sync
            && self.receiver.is_none()
            && matches!(self.signature.safety, syn::Safety::Default)
            && !flatten(self.signature.to_token_stream()).into_iter().any(names_self)
    }
}

fn parse_header(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, Visibility, Signature)> {
    Ok((input.call(Attribute::parse_outer)?, input.parse()?, input.parse()?))
}

/// Unwraps the invisible group around a `macro_rules!` fragment.
fn peel(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            peel(group.stream())
        }
        _ => tokens,
    }
}

/// All tokens, with groups opened.
fn flatten(tokens: TokenStream) -> Vec<TokenTree> {
    let open = |tree| match tree {
        TokenTree::Group(group) => flatten(group.stream()),
        tree => vec![tree],
    };
    tokens.into_iter().flat_map(open).collect()
}

fn brace_group(tree: &TokenTree) -> Option<Group> {
    let TokenTree::Group(group) = tree else {
        return None;
    };
    match group.delimiter() {
        Delimiter::Brace => Some(group.clone()),
        Delimiter::None => {
            let mut inside = peel(group.stream()).into_iter();
            let body = inside.next().and_then(|tree| brace_group(&tree));
            body.filter(|_| inside.next().is_none())
        }
        _ => None,
    }
}

fn keyword<'a>(header: &'a [TokenTree], words: &[&str]) -> Option<&'a Ident> {
    header.iter().find_map(|tree| match tree {
        TokenTree::Ident(ident) if words.iter().any(|word| ident == word) => Some(ident),
        _ => None,
    })
}

fn not_a_function(header: &[TokenTree], last: Option<&TokenTree>) -> Option<Error> {
    const ITEMS: [&str; 12] = [
        "fn", "struct", "enum", "union", "trait", "impl", "mod", "static", "const", "type", "use",
        "let",
    ];
    // `const fn` and `impl Trait for fn()` hold two of these words. The first decides, except `const`.
    let found = keyword(header, &ITEMS).map(|first| {
        if first == "const" { keyword(header, &["fn"]).unwrap_or(first) } else { first }
    });
    let message = match found.map(ToString::to_string).as_deref() {
        Some("fn") => return None,
        Some("impl") => {
            "`#[circuit_breaker]` guards functions: put it on the methods inside this `impl` block".into()
        }
        Some("trait") => {
            "`#[circuit_breaker]` guards functions: put it on the methods of this trait that have a body".into()
        }
        Some("enum") => "`#[circuit_breaker]` guards functions, not an `enum`".into(),
        Some(word) => format!("`#[circuit_breaker]` guards functions, not a `{word}`"),
        None => "`#[circuit_breaker]` guards functions; expected `fn`".to_owned(),
    };
    let span = found.map(Ident::span).or_else(|| header.first().or(last).map(TokenTree::span));
    Some(Error::new(span.unwrap_or_else(Span::call_site), message))
}

fn no_body(header: &[TokenTree], last: Option<TokenTree>) -> Error {
    let tokens = header.iter().cloned().chain(last).collect::<TokenStream>();
    let name =
        header.iter().skip_while(|tree| !matches!(tree, TokenTree::Ident(word) if word == "fn"));
    match name.skip(1).find(|tree| matches!(tree, TokenTree::Ident(_))) {
        Some(name) => Error::new(
            name.span(),
            "`#[circuit_breaker]` guards a body, and this function has none; put it where the body is",
        ),
        None => Error::new_spanned(tokens, "expected a function with a body"),
    }
}

fn refuse_kinds(signature: &Signature) -> syn::Result<()> {
    if let Some(constness) = &signature.constness {
        let message = "a `const fn` cannot be guarded: a circuit lives at run time; remove `const`";
        return Err(Error::new(constness.span, message));
    }
    if let Some(variadic) = &signature.variadic {
        let message = "a variadic function cannot be guarded: its arguments cannot be forwarded";
        return Err(Error::new_spanned(variadic, message));
    }
    Ok(())
}

/// Splits off the inner attributes at the start of the body. The rest stays as it is.
fn split_inner_attrs(body: Group) -> (TokenStream, Group) {
    let trees: Vec<_> = body.stream().into_iter().collect();
    let is = |at: usize, mark: char| matches!(trees.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    let mut start = 0;
    while is(start, '#') && is(start + 1, '!') && trees.get(start + 2).is_some() {
        start += 3;
    }
    if start == 0 {
        return (TokenStream::new(), body);
    }
    let mut rest = Group::new(Delimiter::Brace, trees[start..].iter().cloned().collect());
    rest.set_span(body.span());
    (trees[..start].iter().cloned().collect(), rest)
}

fn receiver(receiver: &syn::Receiver) -> Receiver {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Receiver::Shared,
        ReceiverKind::Reference(_, _, Some(_)) => Receiver::Exclusive,
        ReceiverKind::Typed(_, ty) => match peel_type(ty) {
            Type::Reference(reference) if reference.mutability.is_none() => Receiver::Shared,
            Type::Reference(_) => Receiver::Exclusive,
            _ => Receiver::Owned,
        },
        _ => Receiver::Owned,
    }
}
