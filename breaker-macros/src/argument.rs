//! One argument of the annotated function: what it is called, bound to, and how it may be kept.

use proc_macro2::Ident;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Pat, Type};

use crate::output::peel_type;
use crate::spans::{ends, placed};

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

/// Moves the pattern and the attributes that belong to it out of the signature.
pub(crate) fn argument(position: usize, typed: &mut syn::PatType) -> Argument {
    let ident = match &mut *typed.pat {
        Pat::Ident(simple) if simple.by_ref.is_none() && simple.subpat.is_none() => {
            simple.ident.clone()
        }
        _ => placed(&format!("arg{position}"), ends(&typed.pat).0),
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
