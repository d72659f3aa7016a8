//! The annotated function: what kind it is, what it returns, and how each argument may be kept.
//!
//! The body is never parsed. Its own brace group is spliced back, so that precedence groups from
//! `macro_rules!`, spans and syntax errors stay as they were.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser as _};
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, Error, FnArg, GenericArgument, Pat, PathArguments, ReceiverKind, ReturnType,
    Signature, Type, TypeParamBound, Visibility,
};

use crate::spans::ends;

/// A function that can be guarded.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// As written, but for argument patterns, which moved into [`Argument::pattern`].
    pub(crate) signature: Signature,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) flavor: Flavor,
    pub(crate) output: Output,
    /// `#![..]` at the start of the body.
    pub(crate) inner_attrs: TokenStream,
    pub(crate) body: Group,
}

/// How the function runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flavor {
    Sync,
    /// `async fn`.
    Async,
    /// Returns `impl Future`.
    Future,
    /// Returns a pinned box, or something that must be `Unpin`.
    BoxedFuture,
}

/// `self`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Receiver {
    Shared,
    Exclusive,
    /// By value, in whatever wrapper.
    Owned,
}

pub(crate) struct Argument {
    /// Its name in the signature.
    pub(crate) ident: Ident,
    /// What the user bound it to.
    pub(crate) pattern: Pat,
    /// `#[cfg]`s and lint levels, which follow the pattern.
    pub(crate) attrs: Vec<Attribute>,
    /// The names that the pattern binds.
    pub(crate) names: Vec<Ident>,
    /// The pattern holds a `ref mut`.
    pub(crate) borrows_mutably: bool,
    pub(crate) keeping: Keeping,
}

impl Argument {
    /// Whether its names are bound by a pattern, not by the signature.
    pub(crate) fn is_taken_apart(&self) -> bool {
        !self.names.contains(&self.ident)
    }
}

/// How an argument stays usable after the body has had it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Keeping {
    /// A shared reference.
    Copy,
    /// An exclusive one.
    Reborrow,
    Clone,
}

/// The value that a call comes to: for futures, what they resolve to.
pub(crate) struct Output {
    /// `None` for `!`, which cannot be written everywhere.
    pub(crate) ty: Option<Type>,
    /// Where it is written: first and last token.
    pub(crate) at: (Span, Span),
    /// The `E` of a visible `Result<T, E>`.
    pub(crate) error: Option<Type>,
    /// Where to complain that it cannot hold a refusal.
    pub(crate) blame: (Span, Span),
    /// It visibly cannot hold an error, so its fallback answers refusals only.
    pub(crate) is_infallible: bool,
    /// A string literal may be a value of it.
    pub(crate) may_be_text: bool,
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
        let (attrs, vis, signature) = parse_header.parse2(header.into_iter().collect())?;
        refuse_kinds(&signature)?;
        let (inner_attrs, body) = split_inner_attrs(body);
        Ok(Self::of(attrs, vis, signature, inner_attrs, body))
    }

    fn of(
        attrs: Vec<Attribute>,
        vis: Visibility,
        mut signature: Signature,
        inner_attrs: TokenStream,
        body: Group,
    ) -> Self {
        let receiver = signature.receiver().map(receiver);
        let mut arguments = Vec::new();
        for (position, input) in signature.inputs.iter_mut().enumerate() {
            if let FnArg::Typed(typed) = input {
                arguments.push(argument(position, typed));
            }
        }
        let (flavor, output) = output(&signature);
        Self { attrs, vis, signature, receiver, arguments, flavor, output, inner_attrs, body }
    }

    pub(crate) fn is_async(&self) -> bool {
        self.flavor != Flavor::Sync
    }

    pub(crate) fn self_span(&self) -> Option<Span> {
        self.signature.receiver().map(|receiver| receiver.self_token.span)
    }

    pub(crate) fn tracks_caller(&self) -> bool {
        self.attrs.iter().any(|attr| attr.path().is_ident("track_caller"))
    }

    /// Closures lose the caller's place, functions inside the function do not; but they know neither
    /// `self` nor `Self`.
    pub(crate) fn can_track_caller(&self) -> bool {
        let names_self = |tree| matches!(tree, TokenTree::Ident(word) if word == "Self");
        self.flavor == Flavor::Sync
            && self.receiver.is_none()
            && matches!(self.signature.safety, syn::Safety::Default)
            && !flatten(self.signature.to_token_stream()).into_iter().any(names_self)
    }
}

fn parse_header(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, Visibility, Signature)> {
    Ok((input.call(Attribute::parse_outer)?, input.parse()?, input.parse()?))
}

/// Takes the tokens out of the invisible group that a `macro_rules!` fragment comes in.
fn peel(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            peel(group.stream())
        }
        _ => tokens,
    }
}

/// Every token, groups opened.
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
    // `const fn` and `impl Trait for fn()` hold two of the words; the first decides, `const` aside.
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
        let message = "a variadic function cannot be guarded: its arguments cannot be handed on";
        return Err(Error::new_spanned(variadic, message));
    }
    Ok(())
}

/// Inner attributes are only allowed at the start of the function's own body. Everything after them is
/// left as it is, groups and all.
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

/// Moves the pattern and the attributes that belong to it out of the signature.
fn argument(position: usize, typed: &mut syn::PatType) -> Argument {
    let ident = match &mut *typed.pat {
        Pat::Ident(simple) if simple.by_ref.is_none() && simple.subpat.is_none() => {
            simple.ident.clone()
        }
        _ => {
            let at = ends(&typed.pat).0.resolved_at(Span::mixed_site());
            Ident::new(&format!("__arg{position}"), at)
        }
    };
    let name = ident.clone();
    let simple: Pat = Pat::Ident(syn::PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: name,
        subpat: None,
    });
    let pattern = std::mem::replace(&mut *typed.pat, simple);
    let attrs = typed.attrs.clone();
    typed.attrs.retain(|attr| ["cfg", "cfg_attr"].iter().any(|kept| attr.path().is_ident(kept)));
    let keeping = match peel_type(&typed.ty) {
        Type::Reference(reference) if reference.mutability.is_none() => Keeping::Copy,
        Type::Reference(_) => Keeping::Reborrow,
        _ => Keeping::Clone,
    };
    let mut bound = Bound::default();
    bound.visit_pat(&pattern);
    Argument { ident, pattern, attrs, names: bound.names, borrows_mutably: bound.mutably, keeping }
}

/// What a pattern binds.
#[derive(Default)]
struct Bound {
    names: Vec<Ident>,
    mutably: bool,
}

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.names.push(pattern.ident.clone());
        self.mutably |= pattern.by_ref.is_some() && pattern.mutability.is_some();
        syn::visit::visit_pat_ident(self, pattern);
    }
}

/// Takes a type out of the groups and parentheses that macros and people put around it.
fn peel_type(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel_type(&group.elem),
        Type::Paren(paren) => peel_type(&paren.elem),
        ty => ty,
    }
}

fn output(signature: &Signature) -> (Flavor, Output) {
    let ReturnType::Type(_, ty) = &signature.output else {
        let name = signature.ident.span();
        let flavor = if signature.asyncness.is_some() { Flavor::Async } else { Flavor::Sync };
        let unit = syn::parse_quote_spanned! { name => () };
        return (flavor, Output { at: (name, name), blame: (name, name), ..Output::of(&unit) });
    };
    if signature.asyncness.is_some() {
        return (Flavor::Async, Output::of(ty));
    }
    match future_of(peel_type(ty)) {
        Some((flavor, resolved)) => (flavor, Output::of(&resolved)),
        None => (Flavor::Sync, Output::of(ty)),
    }
}

impl Output {
    fn of(ty: &Type) -> Self {
        let visible = peel_type(ty);
        let error = error_type(visible);
        Self {
            ty: (!matches!(visible, Type::Never(_))).then(|| erase_impl_trait(ty)),
            at: ends(ty),
            error: error.cloned(),
            blame: ends(error.unwrap_or(visible)),
            is_infallible: is_infallible(visible),
            may_be_text: may_be_text(visible),
        }
    }
}

/// The `E` of a visible `Result<T, E>`.
fn error_type(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let mut types = generic_types(&last.arguments);
    types.next()?;
    types.next()
}

fn generic_types(arguments: &PathArguments) -> impl Iterator<Item = &Type> {
    let arguments = match arguments {
        PathArguments::AngleBracketed(angle) => Some(&angle.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// A future, by the look of its type: `impl Future<Output = T>`, `Pin<Box<dyn Future<Output = T>>>`, or
/// the usual aliases of the latter.
fn future_of(ty: &Type) -> Option<(Flavor, Type)> {
    match ty {
        Type::ImplTrait(opaque) => {
            let resolved = resolved_by(&opaque.bounds)?;
            let unpin = opaque
                .bounds
                .iter()
                .any(|bound| trait_name(bound).is_some_and(|name| name == "Unpin"));
            Some((if unpin { Flavor::BoxedFuture } else { Flavor::Future }, resolved))
        }
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let mut inside = generic_types(&last.arguments);
            if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
                return Some((Flavor::BoxedFuture, inside.last()?.clone()));
            }
            let Type::Path(boxed) = peel_type(inside.next().filter(|_| last.ident == "Pin")?)
            else {
                return None;
            };
            let boxed = boxed.path.segments.last().filter(|boxed| boxed.ident == "Box")?;
            let Type::TraitObject(object) = peel_type(generic_types(&boxed.arguments).next()?)
            else {
                return None;
            };
            Some((Flavor::BoxedFuture, resolved_by(&object.bounds)?))
        }
        _ => None,
    }
}

fn trait_name(bound: &TypeParamBound) -> Option<&Ident> {
    match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

fn resolved_by<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> Option<Type> {
    bounds.into_iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last().filter(|last| last.ident == "Future")?;
        let PathArguments::AngleBracketed(angle) = &last.arguments else {
            return None;
        };
        angle.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => {
                Some(output.ty.clone())
            }
            _ => None,
        })
    })
}

/// Whether no value of the type can be an error, as far as can be seen. An `impl Trait` that is no
/// future counts too: whatever hides there, nobody outside can take an error out of it.
fn is_infallible(ty: &Type) -> bool {
    const PRIMITIVES: [&str; 17] = [
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
        "i64", "i128", "isize", "f32", "f64",
    ];
    match ty {
        Type::Never(_)
        | Type::Reference(_)
        | Type::Tuple(_)
        | Type::Array(_)
        | Type::Slice(_)
        | Type::Ptr(_)
        | Type::ImplTrait(_) => true,
        Type::Path(path) => PRIMITIVES.iter().any(|primitive| path.path.is_ident(primitive)),
        _ => false,
    }
}

fn may_be_text(ty: &Type) -> bool {
    match ty {
        Type::Reference(_) | Type::ImplTrait(_) => true,
        Type::Path(path) => {
            let name = path.path.segments.last().map(|last| last.ident.to_string());
            name.is_some_and(|name| name != "Result" && name != "Option")
        }
        _ => false,
    }
}

/// `impl Trait` may not stand in the types of a body; the compiler infers what is behind it.
pub(crate) fn erase_impl_trait(ty: &Type) -> Type {
    struct Eraser;
    impl VisitMut for Eraser {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(opaque) = ty {
                let span = opaque.impl_token.span;
                *ty = syn::parse_quote_spanned! { span => _ };
            } else {
                syn::visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut erased = ty.clone();
    Eraser.visit_type_mut(&mut erased);
    erased
}

/// A pattern that binds references only, to look at what it will take apart later. `mut`, `ref` and `&`
/// may not stand in such a pattern, and change nothing for who only looks.
pub(crate) fn borrowed(pattern: &Pat) -> Pat {
    struct Borrower;
    impl VisitMut for Borrower {
        fn visit_pat_mut(&mut self, pattern: &mut Pat) {
            while let Pat::Reference(reference) = pattern {
                *pattern = (*reference.pat).clone();
            }
            if let Pat::Ident(bound) = pattern {
                (bound.by_ref, bound.mutability) = (None, None);
            }
            syn::visit_mut::visit_pat_mut(self, pattern);
        }
    }
    let mut borrowed = pattern.clone();
    Borrower.visit_pat_mut(&mut borrowed);
    borrowed
}
