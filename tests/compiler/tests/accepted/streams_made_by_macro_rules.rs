//! Functions that return streams, made by macros, with every part a fragment.

use crate::common::{calls, read};
use breaker_runtime::circuit_breaker;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio_stream::iter;

macro_rules! feed {
    ($name:ident, $circuit:literal, $ty:ty, $body:block) => {
        #[circuit_breaker(name = $circuit)]
        fn $name() -> $ty $body
    };
    (item $name:ident, $item:ty, $value:expr, $fallback:expr) => {
        #[circuit_breaker(name = "items", failure_if = |it| *it > ($value) * 3, fallback = $fallback)]
        fn $name() -> impl Stream<Item = $item> {
            iter([$value * 3])
        }
    };
}

feed!(opaque, "fragments", impl Stream<Item = Option<u8>>, { iter([Some(1), None]) });
feed!(named, "fragments", BoxStream<'static, Option<u8>>, { Box::pin(iter([Some(1)])) });
feed!(item product, u8, 1 + 1, 0);

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(opaque()), [Some(1), None]);
    assert_eq!(read(named()), [Some(1)]);
    assert_eq!(calls("fragments"), (1, 1));
    assert_eq!(read(product()), [6]);
    assert_eq!(calls("items"), (1, 0));
}
