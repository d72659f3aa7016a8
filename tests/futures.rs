//! What the futures of guarded functions cost the compiler and the memory: layers of types, and bytes.

use std::future::pending;
use std::mem::size_of_val;

use breaker_runtime::circuit_breaker;

/// The bytes of an argument that is large.
const LARGE: usize = 1024;

struct Large([u8; LARGE]);

impl Drop for Large {
    fn drop(&mut self) {
        self.0[0] = 0;
    }
}

#[derive(Clone, Copy)]
struct Copied([u8; LARGE]);

/// Each function twice, with the attribute and without.
macro_rules! both {
    ($(fn $name:ident($($argument:ident: $ty:ty),*) -> $output:ty $body:block)*) => {
        mod bare {
            use super::*;
            $(pub(crate) async fn $name($($argument: $ty),*) -> $output $body)*
        }

        mod guarded {
            use super::*;
            $(
                #[circuit_breaker(name = "futures")]
                pub(crate) async fn $name($($argument: $ty),*) -> $output $body
            )*
        }
    };
}

both! {
    fn nothing() -> Option<u8> { pending().await }
    fn number(number: u64) -> Option<u64> { pending::<()>().await; Some(number) }
    fn texts(name: &str, value: &str) -> Option<usize> { pending::<()>().await; Some(name.len() + value.len()) }
    fn owned(name: String) -> Option<String> { pending::<()>().await; Some(name) }
    fn early(name: String) -> Option<String> { pending::<Option<u8>>().await?; Some(name) }
    fn large(large: Large) -> Option<u8> { pending::<()>().await; Some(large.0[0]) }
    fn array(large: [u8; LARGE]) -> Option<u8> { pending::<()>().await; Some(large[0]) }
    fn copied(large: Copied) -> Option<u8> { pending::<()>().await; Some(large.0[0]) }
}

#[test]
fn a_future_with_small_arguments_is_at_most_120_bytes_larger() {
    macro_rules! added {
        ($($name:ident($($argument:expr),*))*) => {
            [$((stringify!($name), size_of_val(&guarded::$name($($argument),*)) - size_of_val(&bare::$name($($argument),*)))),*]
        };
    }
    let added =
        added! { nothing() number(1) texts("a", "b") owned(String::new()) early(String::new()) };
    println!("bytes over the bare future: {added:?}");
    for (name, added) in added {
        assert!(added <= 120, "{name}: {added} bytes");
    }
}

#[test]
fn a_future_holds_a_large_argument_at_most_three_times() {
    macro_rules! sizes {
        ($($name:ident($argument:expr))*) => {
            [$((
                stringify!($name),
                size_of_val(&bare::$name($argument)),
                size_of_val(&guarded::$name($argument)),
            )),*]
        };
    }
    let large = [0; LARGE];
    let sizes = sizes! { large(Large(large)) array(large) copied(Copied(large)) };
    println!("bytes of the bare future, and of the guarded one: {sizes:?}");
    for (name, _, size) in sizes {
        assert!(size <= 3 * LARGE + 200, "{name}: {size} bytes");
    }
}

/// Functions of which each awaits the next, written in this order.
macro_rules! callers_first {
    ($name:ident) => {
        #[circuit_breaker(name = "chain")]
        async fn $name(number: u32) -> Option<u32> {
            Some(number)
        }
    };
    ($name:ident $next:ident $($rest:ident)*) => {
        #[circuit_breaker(name = "chain")]
        async fn $name(number: u32) -> Option<u32> {
            $next(number + 1).await
        }
        callers_first! { $next $($rest)* }
    };
}

/// The same, written the other way round.
macro_rules! callers_last {
    ($name:ident) => {
        callers_first! { $name }
    };
    ($name:ident $next:ident $($rest:ident)*) => {
        callers_last! { $next $($rest)* }
        #[circuit_breaker(name = "chain")]
        async fn $name(number: u32) -> Option<u32> {
            $next(number + 1).await
        }
    };
}

callers_first! { f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 }

callers_last! { l1 l2 l3 l4 l5 l6 l7 l8 l9 l10 l11 l12 l13 l14 l15 l16 l17 l18 l19 l20 }

/// The compiler lays the first future out, and goes through all the others for it.
#[tokio::test(flavor = "multi_thread")]
async fn fourteen_guarded_functions_may_await_those_after_them() {
    assert_eq!(tokio::spawn(f1(1)).await.ok().flatten(), Some(14));
}

/// The compiler has all layouts, but must look through all futures to know that the first is `Send`.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_guarded_functions_may_await_those_before_them() {
    assert_eq!(tokio::spawn(l1(1)).await.ok().flatten(), Some(20));
}
