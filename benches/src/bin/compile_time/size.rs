//! How many bytes a function adds to a program.

use std::fs;
use std::path::Path;

use crate::Result;
use crate::package::{Package, output_of};
use crate::shape::{Attribute, SHAPES, Shape, calls, source};

/// Two programs are compared, so that what they have in common is not counted.
const FEW: usize = 100;
const MANY: usize = 500;

pub(crate) fn report(folder: &Path) -> Result<()> {
    println!(
        "bytes of a function in a stripped program, profile release, by {FEW} and {MANY} functions"
    );
    println!("{:<32}{:>10}{:>10}{:>14}", "", "bare", "guarded", "added");
    let package = Package::new(folder, "sized", &Package::breaker())?;
    for shape in &SHAPES {
        let bytes = |attribute| -> Result<f64> {
            let of = |functions| bytes(&package, folder, shape, functions, attribute);
            #[expect(clippy::cast_precision_loss, reason = "a figure that people read")]
            let bytes_of_a_function = (of(MANY)? - of(FEW)?) as f64 / (MANY - FEW) as f64;
            Ok(bytes_of_a_function)
        };
        let (bare, guarded) = (bytes(Attribute::Absent)?, bytes(Attribute::Present)?);
        println!("{:<32}{bare:>10.0}{guarded:>10.0}{:>14.0}", shape.name, guarded - bare);
    }
    println!();
    Ok(())
}

fn bytes(
    package: &Package,
    folder: &Path,
    shape: &Shape,
    functions: usize,
    attribute: Attribute,
) -> Result<u64> {
    let shapes = std::slice::from_ref(shape);
    // The functions stand in the library, and the program calls them: so none is inlined there or left out.
    package.write(&source(shapes, functions, attribute))?;
    package.write_to("main.rs", &calls("sized", shapes, functions))?;
    let (target, mut build) = (folder.join("size"), package.cargo("build"));
    build
        .args(["--release", "--config", "profile.release.strip=true", "--target-dir"])
        .arg(&target);
    output_of(&mut build)?;
    Ok(fs::metadata(target.join("release").join("sized"))?.len())
}
