//! The functions that are generated, with the attribute and without.

/// A kind of function, in which `@` stands for its number.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    attribute: &'static str,
    function: &'static str,
    call: &'static str,
    /// What is around the function, if it is a method.
    around: Option<(&'static str, &'static str)>,
}

/// Whether the functions are annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    Present,
    Absent,
}

pub(crate) const SHAPES: [Shape; 5] = [
    Shape {
        name: "sync",
        attribute: r#"#[circuit_breaker(name = "sync-@", failure_rate = 0.5, window = 100)]"#,
        function: r#"pub fn sync_@(id: u64, name: &str) -> Result<String, Fault> {
            if id == @ { return Err(Fault::Down); }
            Ok(format!("{name} is {id}"))
        }"#,
        call: "drop(sync_@(id, \"x\"));\n",
        around: None,
    },
    Shape {
        name: "async",
        attribute: r#"#[circuit_breaker(name = "async-@", cooldown = "10s")]"#,
        function: r#"pub async fn async_@(id: u64, name: &str) -> Result<String, Fault> {
            let id = ready(id).await;
            if id == @ { return Err(Fault::Down); }
            Ok(format!("{name} is {id}"))
        }"#,
        call: "poll(async_@(id, \"x\"));\n",
        around: None,
    },
    Shape {
        name: "closure fallback",
        attribute: r#"#[circuit_breaker(name = "closure-@", fallback = |_| Ok(name.to_owned()))]"#,
        function: r#"pub fn closure_@(id: u64, name: &str) -> Result<String, Fault> {
            if id == @ { return Err(Fault::Down); }
            Ok(format!("{name} is {id}"))
        }"#,
        call: "drop(closure_@(id, \"x\"));\n",
        around: None,
    },
    Shape {
        name: "path fallback",
        attribute: r#"#[circuit_breaker(name = "path-@", fallback = known)]"#,
        function: r#"pub fn path_@(id: u64, name: &str) -> Result<String, Fault> {
            if id == @ { return Err(Fault::Down); }
            Ok(format!("{name} is {id}"))
        }"#,
        call: "drop(path_@(id, \"x\"));\n",
        around: None,
    },
    Shape {
        name: "method",
        attribute: r#"#[circuit_breaker(name = "method-@")]"#,
        function: r#"pub fn method_@(&mut self, id: u64) -> Result<String, Fault> {
            if id == @ { return Err(Fault::Down); }
            self.calls += 1;
            Ok(format!("{} is {id}", self.calls))
        }"#,
        call: "drop(client.method_@(id));\n",
        around: Some(("impl Client {", "}")),
    },
];

/// What every generated crate begins with.
const PREAMBLE: &str = r"
#![allow(unused_imports)]

use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Waker};

use breaker_runtime::{Rejected, circuit_breaker};

pub enum Fault { Down, Refused }

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self { Self::Refused }
}

pub struct Client { pub calls: u64 }

#[inline(never)]
pub fn poll<F: Future>(future: F) {
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

pub fn known(_: u64, name: &str) -> Result<String, Fault> { Ok(name.to_owned()) }
";

/// A crate with so many functions of each shape.
pub(crate) fn source(shapes: &[Shape], of_each: usize, attribute: Attribute) -> String {
    let mut source = PREAMBLE.to_owned();
    for number in 0..of_each {
        for shape in shapes {
            source.push_str(&shape.function(number, attribute));
        }
    }
    source
}

/// A program that calls these functions of a library.
pub(crate) fn calls(library: &str, shapes: &[Shape], of_each: usize) -> String {
    let mut calls = format!("use {library}::*;\n\nfn main() {{\n");
    calls.push_str(
        "let id = std::env::args().count() as u64;\nlet mut client = Client { calls: id };\n",
    );
    calls.push_str("let _ = &mut client;\n");
    for number in 0..of_each {
        for shape in shapes {
            calls.push_str(&shape.call.replace('@', &number.to_string()));
        }
    }
    calls + "}\n"
}

impl Shape {
    fn function(&self, number: usize, attribute: Attribute) -> String {
        let (before, after) = self.around.unwrap_or_default();
        let attribute = if attribute == Attribute::Present { self.attribute } else { "" };
        let text = format!("{before}\n{attribute}\n{}\n{after}\n", self.function);
        text.replace('@', &number.to_string())
    }
}
