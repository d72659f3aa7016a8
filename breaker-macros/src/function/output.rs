//! What the annotated function returns: a value, a future of one, or a stream of them.
//!
//! A macro sees names, not types. So the written return type is only a guess at how the function runs. The
//! compiler checks the guess by trait.

use proc_macro2::{Ident, Span};
use syn::visit_mut::VisitMut;
use syn::{
    GenericArgument, Path, PathArguments, PathSegment, ReturnType, Signature, Type, TypeParamBound,
};

use crate::spans::ends;

/// How the function runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flavor {
    Sync,
    /// `async fn`.
    Async,
    /// Returns `impl Future`.
    Future,
    /// Returns a pinned box, or a type that must be `Unpin`.
    BoxedFuture,
    /// Returns a type whose name says that it is a future. Only the compiler knows its output.
    NamedFuture,
    /// The same three for streams.
    Stream,
    BoxedStream,
    NamedStream,
}

/// What makes a return type more than a value: the trait, its associated type, and how types are called that have it.
struct Kind {
    name: &'static str,
    output: &'static str,
    endings: &'static [&'static str],
    /// Well-known types with such names that are plain values.
    values: &'static [&'static str],
    /// For `impl Trait`, for a pinned box, and for a name.
    flavors: [Flavor; 3],
}

const FUTURE: Kind = Kind {
    name: "Future",
    output: "Output",
    endings: &["Future", "Fut"],
    values: &[],
    flavors: [Flavor::Future, Flavor::BoxedFuture, Flavor::NamedFuture],
};

const STREAM: Kind = Kind {
    name: "Stream",
    output: "Item",
    endings: &["Stream"],
    values: &["TcpStream", "TokenStream", "UnixStream"],
    flavors: [Flavor::Stream, Flavor::BoxedStream, Flavor::NamedStream],
};

const KINDS: [Kind; 2] = [FUTURE, STREAM];

/// Whether the type is written as a stream, and not just named like one.
pub(crate) fn is_stream(ty: &Type) -> bool {
    let visible = STREAM.seen_in(peel_type(ty));
    visible.is_some_and(|visible| visible.flavor != Flavor::NamedStream)
}

/// The value of a call. For a future, its output. For a stream, an item.
pub(crate) struct Output {
    /// `None` for `!`, which is not a type everywhere. `_` if only the compiler knows it.
    pub(crate) ty: Option<Type>,
    /// The same as written, with `impl Trait`.
    pub(crate) written: Type,
    /// Its first and last token.
    pub(crate) at: (Span, Span),
    /// The `E` of a visible `Result<T, E>`.
    pub(crate) error: Option<Type>,
    /// Where to report that it cannot hold a refusal.
    pub(crate) blame: (Span, Span),
    /// It visibly cannot hold an error, so its fallback only answers refusals.
    pub(crate) is_infallible: bool,
    /// A string literal may be such a value.
    pub(crate) may_be_text: bool,
    /// The return type as the function writes it.
    pub(crate) declared: Declared,
    /// It is visibly no future and no stream.
    pub(crate) is_value: bool,
}

/// How a return type is written.
pub(crate) struct Declared {
    /// The word that makes it a future, a stream or a value.
    pub(crate) name: Span,
    /// It is `impl Trait`.
    pub(crate) is_opaque: bool,
    /// It is `impl Trait`, or a pinned box of one.
    pub(crate) is_hidden: bool,
    /// It is a pinned box of a type that must be `Unpin`, which an async block is not.
    pub(crate) is_unpin_object: bool,
    /// The trait with the `Output` or the `Item`.
    pub(crate) awaited: Option<Path>,
    /// Traits that what is guarded does not implement.
    pub(crate) unmet: Vec<Ident>,
}

pub(crate) fn output(signature: &Signature) -> (Flavor, Output) {
    let ReturnType::Type(_, ty) = &signature.output else {
        let name = signature.ident.span();
        let flavor = if signature.asyncness.is_some() { Flavor::Async } else { Flavor::Sync };
        let unit = syn::parse_quote_spanned! { name => () };
        return (flavor, Output { at: (name, name), blame: (name, name), ..Output::of(&unit) });
    };
    if signature.asyncness.is_some() {
        return (Flavor::Async, Output::of(ty));
    }
    let visible = KINDS.iter().find_map(|kind| kind.seen_in(peel_type(ty)));
    let Some(visible) = visible else { return (Flavor::Sync, Output::of(ty)) };
    let output = match &visible.resolved {
        Some(resolved) => Output { declared: Declared::of(ty), ..Output::of(resolved) },
        None => Output::hidden_in(ty),
    };
    (visible.flavor, output)
}

impl Output {
    fn of(ty: &Type) -> Self {
        let visible = peel_type(ty);
        let error = error_type(visible);
        Self {
            ty: (!matches!(visible, Type::Never(_))).then(|| erase_impl_trait(ty)),
            written: ty.clone(),
            at: ends(ty),
            error: error.cloned(),
            blame: ends(error.unwrap_or(visible)),
            is_infallible: is_infallible(visible),
            may_be_text: may_be_text(visible),
            declared: Declared::of(ty),
            is_value: is_value(visible),
        }
    }

    /// The output of a type that does not show it. A `Result` among its arguments is only a place to report
    /// errors at.
    fn hidden_in(ty: &Type) -> Self {
        let shown = match peel_type(ty) {
            Type::Path(path) => path.path.segments.last().and_then(|last| {
                generic_types(&last.arguments).find_map(|ty| error_type(peel_type(ty)))
            }),
            _ => None,
        };
        let (first, last) = ends(ty);
        let hidden = syn::parse_quote_spanned! { first => _ };
        Self {
            written: ty.clone(),
            declared: Declared::of(ty),
            at: (first, last),
            blame: shown.map_or((first, last), ends),
            may_be_text: true,
            ..Self::of(&hidden)
        }
    }
}

impl Declared {
    fn of(ty: &Type) -> Self {
        let bounds = bounds(ty);
        let is_opaque = matches!(peel_type(ty), Type::ImplTrait(_));
        let is_hidden = is_opaque || matches!(peel_type(ty), Type::Path(path) if hides(path));
        let is_unpin = bounds.is_some_and(|bounds| names(bounds).any(|name| name == "Unpin"));
        Self {
            name: name_of(peel_type(ty)),
            is_opaque,
            is_hidden,
            is_unpin_object: is_unpin && !is_opaque,
            awaited: bounds.and_then(|bounds| {
                let found = KINDS.iter().find_map(|kind| kind.resolved_by(bounds))?;
                Some(found.1.clone())
            }),
            unmet: bounds.map(unmet).unwrap_or_default(),
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

/// A future or stream that is written out: its flavor, and its `Output` or `Item` if that is written too.
struct Visible {
    flavor: Flavor,
    resolved: Option<Type>,
}

impl Kind {
    /// A type that looks like it: `impl Future<Output = T>`, `Pin<Box<dyn Future<Output = T>>>`, or a name that ends in
    /// `Future` or `Fut`.
    fn seen_in(&self, ty: &Type) -> Option<Visible> {
        let [opaque_flavor, boxed_flavor, named_flavor] = self.flavors;
        let visible = |flavor, bounds| {
            let (resolved, _) = self.resolved_by(bounds)?;
            Some(Visible { flavor, resolved: Some(resolved) })
        };
        match ty {
            Type::ImplTrait(opaque) => {
                let unpin = names(&opaque.bounds).any(|name| name == "Unpin");
                let flavor = if unpin { boxed_flavor } else { opaque_flavor };
                let unresolved = || {
                    let is_one = names(&opaque.bounds).any(|name| self.is_named_in(name));
                    is_one.then_some(Visible { flavor, resolved: None })
                };
                visible(flavor, &opaque.bounds).or_else(unresolved)
            }
            Type::Path(path) => {
                let last = path.path.segments.last()?;
                if self.is_named_in(&last.ident) {
                    return Some(Visible { flavor: named_flavor, resolved: None });
                }
                match boxed(last)? {
                    Type::TraitObject(object) => visible(boxed_flavor, &object.bounds),
                    Type::ImplTrait(opaque) => visible(boxed_flavor, &opaque.bounds),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn is_named_in(&self, name: &Ident) -> bool {
        let name = name.to_string();
        let ends = |ending: &&str| name.ends_with(ending);
        self.endings.iter().any(ends) && !self.values.contains(&name.as_str())
    }

    /// The `T` of a bound `Future<Output = T>`, and that `Future`.
    fn resolved_by<'a>(&self, bounds: &'a Bounds) -> Option<(Type, &'a Path)> {
        bounds.iter().find_map(|bound| {
            let TypeParamBound::Trait(bound) = bound else {
                return None;
            };
            let last = bound.path.segments.last().filter(|last| last.ident == self.name)?;
            let PathArguments::AngleBracketed(angle) = &last.arguments else {
                return None;
            };
            let output = angle.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(output) if output.ident == self.output => {
                    Some(output.ty.clone())
                }
                _ => None,
            })?;
            Some((output, &bound.path))
        })
    }
}

/// The `T` of a visible `Pin<Box<T>>`.
fn boxed(pin: &PathSegment) -> Option<&Type> {
    let inside = generic_types(&pin.arguments).next().filter(|_| pin.ident == "Pin")?;
    let Type::Path(path) = peel_type(inside) else { return None };
    let boxed = path.path.segments.last().filter(|boxed| boxed.ident == "Box")?;
    generic_types(&boxed.arguments).next().map(peel_type)
}

/// Whether it is a `Pin<Box<impl Trait>>`.
fn hides(path: &syn::TypePath) -> bool {
    let last = path.path.segments.last();
    matches!(last.and_then(boxed), Some(Type::ImplTrait(_)))
}

type Bounds = syn::punctuated::Punctuated<TypeParamBound, syn::Token![+]>;

/// The bounds of an `impl Trait`, or of a pinned box's trait object.
fn bounds(ty: &Type) -> Option<&Bounds> {
    let ty = match peel_type(ty) {
        Type::Path(path) => boxed(path.path.segments.last()?)?,
        ty => ty,
    };
    match ty {
        Type::TraitObject(object) => Some(&object.bounds),
        Type::ImplTrait(opaque) => Some(&opaque.bounds),
        _ => None,
    }
}

/// Well-known traits that no guarded future or stream implements. Of other traits, only the compiler knows.
fn unmet(bounds: &Bounds) -> Vec<Ident> {
    const NEVER: [&str; 12] = [
        "Clone",
        "Copy",
        "Debug",
        "Default",
        "Display",
        "Eq",
        "FusedFuture",
        "FusedStream",
        "Hash",
        "Ord",
        "PartialEq",
        "PartialOrd",
    ];
    names(bounds).filter(|name| NEVER.iter().any(|never| name == never)).cloned().collect()
}

/// The name of a type, or of its first trait.
fn name_of(ty: &Type) -> Span {
    let name = match ty {
        Type::Path(path) => path.path.segments.last().map(|last| &last.ident),
        Type::ImplTrait(opaque) => names(&opaque.bounds).next(),
        _ => None,
    };
    name.map_or_else(|| ends(ty).0, Ident::span)
}

fn names<'a>(
    bounds: impl IntoIterator<Item = &'a TypeParamBound>,
) -> impl Iterator<Item = &'a Ident> {
    bounds.into_iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().map(|last| &last.ident),
        _ => None,
    })
}

/// Whether visibly no value of the type can be an error. This includes an `impl Trait` that is no future:
/// callers cannot take an error out of it.
fn is_infallible(ty: &Type) -> bool {
    match ty {
        Type::Never(_)
        | Type::Reference(_)
        | Type::Tuple(_)
        | Type::Array(_)
        | Type::Slice(_)
        | Type::Ptr(_)
        | Type::ImplTrait(_) => true,
        ty => is_primitive(ty),
    }
}

/// Whether the type is visibly no future.
fn is_value(ty: &Type) -> bool {
    match ty {
        // Only the compiler knows it.
        Type::ImplTrait(_) | Type::Infer(_) => false,
        Type::Path(_) => is_primitive(ty),
        _ => true,
    }
}

pub(crate) fn is_primitive(ty: &Type) -> bool {
    const PRIMITIVES: [&str; 17] = [
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
        "i64", "i128", "isize", "f32", "f64",
    ];
    matches!(ty, Type::Path(path) if PRIMITIVES.iter().any(|primitive| path.path.is_ident(primitive)))
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

/// Replaces `impl Trait`, which is not allowed in a body, by `_`. The compiler infers it.
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

/// Unwraps the groups and parentheses around a type.
pub(crate) fn peel_type(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel_type(&group.elem),
        Type::Paren(paren) => peel_type(&paren.elem),
        ty => ty,
    }
}
