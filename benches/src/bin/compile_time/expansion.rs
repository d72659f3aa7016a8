//! How many tokens the compiler is given for an annotated function.

use std::path::Path;
use std::slice;

use proc_macro2::{TokenStream, TokenTree};

use crate::Result;
use crate::package::{Package, output_of};
use crate::shape::{Attribute, SHAPES, source};

pub(crate) fn report(folder: &Path) -> Result<()> {
    println!("tokens of a function, all macros expanded");
    println!("{:<32}{:>10}{:>10}{:>14}", "", "bare", "guarded", "added");
    let package = Package::new(folder, "expanded", &Package::breaker())?;
    let tokens = |source: &str| expanded(&package, folder, source).map(count);
    let around = tokens(&source(&[], 1, Attribute::Absent))?;
    for shape in &SHAPES {
        let of = |attribute| {
            tokens(&source(slice::from_ref(shape), 1, attribute)).map(|tokens| tokens - around)
        };
        let (bare, guarded) = (of(Attribute::Absent)?, of(Attribute::Present)?);
        println!("{:<32}{bare:>10}{guarded:>10}{:>14}", shape.name, guarded - bare);
    }
    println!();
    Ok(())
}

fn expanded(package: &Package, folder: &Path, source: &str) -> Result<TokenStream> {
    package.write(source)?;
    let mut rustc = package.cargo("rustc");
    // In a target folder of its own: some dependencies are built differently for a nightly compiler.
    rustc.env("RUSTC_BOOTSTRAP", "1").arg("--target-dir").arg(folder.join("expand"));
    rustc.args(["--lib", "--profile=check", "--", "-Zunpretty=expanded"]);
    output_of(&mut rustc)?.parse().map_err(|error| format!("no tokens: {error}").into())
}

fn count(tokens: TokenStream) -> usize {
    let each = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => 2 + count(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
    });
    each.sum()
}
