#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings)]

mod core {}
mod std {}

use ::breaker_runtime::circuit_breaker;

struct Pin;
struct Box;
struct Result;

type BoxFuture<T> = ::core::pin::Pin<
    ::std::boxed::Box<dyn ::core::future::Future<Output = ::core::option::Option<T>>>,
>;

#[circuit_breaker(name = "named-nfwap")]
fn named(sku: u8) -> BoxFuture<u8> {
    ::std::boxed::Box::pin(async move { ::core::option::Option::Some(sku) })
}

#[circuit_breaker(name = "shown")]
fn shown(sku: u8) -> impl ::core::future::Future<Output = ::core::option::Option<u8>> {
    async move { ::core::option::Option::Some(sku) }
}

#[test]
fn it_compiles_and_runs() {
    let _ = (Pin, Box, Result);
    ::core::mem::drop(named(1));
    ::core::mem::drop(shown(1));
}
