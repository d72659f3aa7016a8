//! One argument of the annotated function: its names, its type, and how it may be kept.

use proc_macro2::Ident;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Pat, Type};

use crate::function::output::{is_primitive, peel_type};
use crate::spans::{ends, placed};

pub(crate) struct Argument {
    /// Its name, or a name of ours if it has a pattern.
    pub(crate) ident: Ident,
    /// The pattern that the user wrote.
    pub(crate) pattern: Pat,
    /// Its `#[cfg]`s and lint levels. They move with the pattern.
    pub(crate) attrs: Vec<Attribute>,
    /// The names that the pattern binds.
    pub(crate) names: Vec<Name>,
    pub(crate) keeping: Keeping,
    /// Its type visibly has no destructor, so it may be dropped at any time.
    pub(crate) is_dropless: bool,
    /// It is visibly no larger than a few words.
    pub(crate) is_small: bool,
}

/// A name that a pattern binds.
pub(crate) struct Name {
    pub(crate) ident: Ident,
    /// `mut`, but not `ref mut`.
    pub(crate) is_mutable: bool,
    /// `ref mut`.
    pub(crate) borrows_mutably: bool,
}

impl Argument {
    /// Whether it is just a name.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(&self.pattern, Pat::Ident(simple) if simple.by_ref.is_none() && simple.subpat.is_none())
    }

    /// Whether its names own everything that has a destructor.
    pub(crate) fn is_bound_whole(&self) -> bool {
        self.is_dropless || binds_whole(&self.pattern)
    }

    /// Whether its pattern holds a `ref mut`.
    pub(crate) fn borrows_mutably(&self) -> bool {
        self.names.iter().any(|name| name.borrows_mutably)
    }
}

/// How an argument stays usable after the body has used it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Keeping {
    /// A shared reference.
    Copy,
    /// An exclusive one.
    Reborrow,
    Clone,
}

pub(crate) fn argument(position: usize, typed: &syn::PatType) -> Argument {
    let pattern = (*typed.pat).clone();
    let ident = match &pattern {
        Pat::Ident(named) => named.ident.clone(),
        _ => placed(&format!("arg{position}"), ends(&pattern).0),
    };
    let keeping = match peel_type(&typed.ty) {
        Type::Reference(reference) if reference.mutability.is_none() => Keeping::Copy,
        Type::Reference(_) => Keeping::Reborrow,
        _ => Keeping::Clone,
    };
    let mut bound = Bound(Vec::new());
    bound.visit_pat(&pattern);
    let (attrs, is_dropless) = (typed.attrs.clone(), is_dropless(&typed.ty));
    let is_small = is_small(&typed.ty);
    Argument { ident, pattern, attrs, names: bound.0, keeping, is_dropless, is_small }
}

/// What a pattern binds.
struct Bound(Vec<Name>);

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let (is_ref, is_mut) = (pattern.by_ref.is_some(), pattern.mutability.is_some());
        let ident = pattern.ident.clone();
        self.0.push(Name {
            ident,
            is_mutable: is_mut && !is_ref,
            borrows_mutably: is_mut && is_ref,
        });
        syn::visit::visit_pat_ident(self, pattern);
    }
}

/// Whether a type is visibly no larger than a few words.
fn is_small(ty: &Type) -> bool {
    let ty = peel_type(ty);
    matches!(ty, Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_)) || is_primitive(ty)
}

/// Whether a type visibly needs no destructor.
fn is_dropless(ty: &Type) -> bool {
    match peel_type(ty) {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => true,
        Type::Tuple(tuple) => tuple.elems.iter().all(is_dropless),
        Type::Array(array) => is_dropless(&array.elem),
        ty => is_primitive(ty),
    }
}

/// Whether a pattern moves everything that it matches into its names.
fn binds_whole(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(named) => named.by_ref.is_none() && named.subpat.is_none(),
        Pat::Paren(inside) => binds_whole(&inside.pat),
        Pat::Reference(_) => true,
        Pat::Tuple(tuple) => tuple.elems.iter().all(binds_whole),
        Pat::Slice(slice) => slice.elems.iter().all(binds_whole),
        Pat::TupleStruct(taken) => !taken.elems.is_empty() && taken.elems.iter().all(binds_whole),
        Pat::Struct(taken) => {
            let fields = &taken.fields;
            taken.rest.is_none()
                && !fields.is_empty()
                && fields.iter().all(|field| binds_whole(&field.pat))
        }
        _ => false,
    }
}

/// The pattern without `mut`. The names get it later.
pub(crate) fn unchanging(pattern: &Pat) -> Pat {
    struct Freezer;
    impl VisitMut for Freezer {
        fn visit_pat_ident_mut(&mut self, named: &mut syn::PatIdent) {
            if named.by_ref.is_none() {
                named.mutability = None;
            }
            syn::visit_mut::visit_pat_ident_mut(self, named);
        }
    }
    let mut unchanging = pattern.clone();
    Freezer.visit_pat_mut(&mut unchanging);
    unchanging
}

/// A pattern that only borrows. `mut`, `ref` and `&` may not stand in such a pattern, and do not matter for
/// reading.
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
