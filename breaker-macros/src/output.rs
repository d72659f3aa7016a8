//! What the annotated function comes to: a value, or a future of one, by the look of its return type.

use proc_macro2::{Ident, Span};
use syn::visit_mut::VisitMut;
use syn::{GenericArgument, PathArguments, ReturnType, Signature, Type, TypeParamBound};

use crate::spans::ends;

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

/// The value that a call comes to: for futures, what they resolve to.
pub(crate) struct Output {
    /// `None` for `!`, which cannot be written everywhere.
    pub(crate) ty: Option<Type>,
    /// The same as it is written, `impl Trait` included.
    pub(crate) written: Type,
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
            written: ty.clone(),
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

/// Takes a type out of the groups and parentheses that macros and people put around it.
pub(crate) fn peel_type(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel_type(&group.elem),
        Type::Paren(paren) => peel_type(&paren.elem),
        ty => ty,
    }
}
