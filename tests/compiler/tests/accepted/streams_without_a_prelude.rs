//! Generated code needs no prelude, and no name of the user's is in its way.
#![no_implicit_prelude]
#![allow(dead_code, non_snake_case)]

use ::breaker_runtime::circuit_breaker;
use ::futures_core::Stream;

mod core {}
mod std {}
struct Result;
struct Option;
struct Box;
struct OnCancel;
struct Streamed;
fn Ok() {}
fn Err() {}
fn Some() {}
fn drop() {}

trait Hijacks {
    fn poll_next(&self) {}
    fn __breaker(&self) {}
}

impl<T> Hijacks for T {}

type Item = ::core::option::Option<u8>;

#[circuit_breaker(name = "opaque-swap", on_cancel = failure, failure_if = |_| false)]
fn opaque(item: Item) -> impl Stream<Item = Item> {
    ::tokio_stream::once(item)
}

#[circuit_breaker(name = "boxed-swap", key = "a", fallback = |error| { ::core::mem::drop(error); item })]
fn boxed(item: Item) -> ::std::pin::Pin<::std::boxed::Box<dyn Stream<Item = Item>>> {
    ::std::boxed::Box::pin(::tokio_stream::once(item))
}

#[circuit_breaker(name = "named-swap")]
fn named(item: Item) -> ::futures_core::stream::BoxStream<'static, Item> {
    ::std::boxed::Box::pin(::tokio_stream::once(item))
}

#[test]
fn it_compiles_and_runs() {
    let item = ::core::option::Option::Some(1);
    ::core::mem::drop((opaque(item), boxed(item), named(item)));
}
