//! What the first calls of a large program take.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::package::{Package, output_of};
use crate::shape::{Attribute, SHAPES, source};

const FUNCTIONS: usize = 10_000;

/// Calls each function once, and says how long the first call took, which makes the registry, and all others.
const TIMES: &str = "    let start = std::time::Instant::now();
    drop(functions[0](0, \"x\"));
    let first = start.elapsed().as_nanos();
    functions.iter().skip(1).for_each(|function| drop(function(0, \"x\")));
    println!(\"{} {}\", first, start.elapsed().as_nanos() - first);
";

pub(crate) fn report(folder: &Path) -> Result<()> {
    let package = Package::new(folder, "large", &Package::breaker())?;
    let shapes = &SHAPES[..1];
    package.write(&source(shapes, FUNCTIONS, Attribute::Present))?;
    let names: Vec<_> = (0..FUNCTIONS).map(|number| format!("sync_{number}")).collect();
    let names = names.join(",");
    let functions = "[fn(u64, &str) -> Result<String, Fault>; 10_000]";
    package.write_to(
        "main.rs",
        &format!(
            "use large::*;\n\nfn main() {{\n    static FUNCTIONS: {functions} = [{names}];\n    \
             let functions = &FUNCTIONS;\n{TIMES}}}\n"
        ),
    )?;
    let (target, mut build) = (folder.join("size"), package.cargo("build"));
    output_of(build.arg("--release").arg("--target-dir").arg(&target))?;
    let said = output_of(&mut Command::new(target.join("release").join("large")))?;
    let (first, others) = said.trim().split_once(' ').ok_or("no times")?;
    let (first, others): (f64, f64) = (first.parse()?, others.parse()?);
    println!("first calls of a program with {FUNCTIONS} annotated functions");
    println!("the first of all, which makes the circuits of all{:>15.1} ms", first / 1e6);
    #[expect(clippy::cast_precision_loss, reason = "a figure that people read")]
    let each = FUNCTIONS as f64 * 1e3;
    println!("each function, its share of that included{:>23.2} us", (first + others) / each);
    println!();
    Ok(())
}
