//! Generated code meets nothing that the user has: names, preludes, lints, levels that forbid.
#![no_implicit_prelude]
#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(unsafe_code)]

// Every word that an expansion could be tempted to use means something else here.
#[allow(dead_code, unreachable_pub, unused_macros, clippy::missing_const_for_fn)]
mod shadowed {

    use ::breaker_runtime::circuit_breaker;

    mod core {}
    mod std {}
    mod breaker_runtime {}

    struct Result;
    struct Option;
    struct Box;
    struct Future;
    struct Config;
    struct Site;
    fn ok() {}
    #[allow(non_snake_case)]
    fn Ok() {}
    #[allow(non_snake_case)]
    fn Err() {}
    #[allow(non_snake_case)]
    fn Some() {}
    #[allow(non_upper_case_globals)]
    const None: u8 = 0;
    static SITE: u8 = 0;

    macro_rules! panic {
        ($($anything:tt)*) => {
            compile_error!("the user's macro was called")
        };
    }
    macro_rules! module_path {
        () => {
            compile_error!("the user's macro was called")
        };
    }

    /// A trait that every value has, with the names of methods that one could call.
    trait Hijacks {
        fn call(&self) -> u8 {
            0
        }
        fn settle(&self) -> u8 {
            0
        }
        fn kind(&self) -> u8 {
            0
        }
        fn outcome(&self) -> u8 {
            0
        }
        fn into(&self) -> u8 {
            0
        }
    }
    impl<T> Hijacks for T {}

    type Answer = ::core::result::Result<u8, ::std::string::String>;

    #[circuit_breaker(name = "hygiene.sync", failure_threshold = 1, fallback = |error| answer(error, value))]
    pub fn sync(permit: u8, value: u8, kind: u8) -> Answer {
        static SITE: u8 = 3;
        let rejected = permit + kind + SITE;
        let error = ::std::string::ToString::to_string(&rejected);
        ::core::result::Result::Err(error)
    }

    fn answer(error: ::breaker_runtime::CallError<::std::string::String>, value: u8) -> Answer {
        match error {
            ::breaker_runtime::CallError::Failed(text) => ::core::result::Result::Err(text),
            _ => ::core::result::Result::Ok(value),
        }
    }

    #[circuit_breaker(name = "hygiene.async", failure_threshold = 1, ignore_if = super::Text::is_empty, failure_if = |value| !::core::matches!(value, ::core::result::Result::Ok(2..)))]
    pub async fn asynchronous(
        future: u8,
        lent_future: u8,
    ) -> ::core::result::Result<u8, super::Text> {
        let value = future + lent_future;
        if value == 0 {
            return ::core::result::Result::Err(super::Text(""));
        }
        ::core::result::Result::Ok(value)
    }

    #[circuit_breaker(name = "hygiene.boxed", fallback = ::core::option::Option::Some(1))]
    pub fn boxed(
        value: u8,
    ) -> ::core::pin::Pin<
        ::std::boxed::Box<dyn ::core::future::Future<Output = ::core::option::Option<u8>>>,
    > {
        ::std::boxed::Box::pin(async move { ::core::option::Option::Some(value) })
    }

    #[circuit_breaker(name = "hygiene.plain", fallback = 7)]
    pub fn plain(value: u8) -> u8 {
        value
    }
}

/// An error that holds a refusal.
#[derive(Debug, PartialEq, Eq)]
struct Text(&'static str);

impl Text {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ::core::convert::From<::breaker_runtime::Rejected> for Text {
    fn from(_: ::breaker_runtime::Rejected) -> Self {
        Self("refused")
    }
}

use ::breaker_runtime::registry;
use ::core::assert_eq;
use ::core::option::Option::Some;
use ::core::result::Result::{Err, Ok};

/// Polls a future that never waits.
fn now<T>(future: impl ::core::future::Future<Output = T>) -> T {
    let mut context = ::core::task::Context::from_waker(::core::task::Waker::noop());
    match ::core::future::Future::poll(::core::pin::pin!(future), &mut context) {
        ::core::task::Poll::Ready(value) => value,
        ::core::task::Poll::Pending => ::core::unreachable!("the future waits"),
    }
}

#[test]
fn m04_shadowed_names_and_no_prelude_do_not_matter() {
    assert_eq!(shadowed::sync(1, 2, 3), Err(::std::string::ToString::to_string("7")));
    assert_eq!(shadowed::sync(1, 2, 3), Ok(2));
    assert_eq!(now(shadowed::asynchronous(0, 0)), Err(Text("")));
    assert_eq!(now(shadowed::asynchronous(1, 1)), Ok(2));
    assert_eq!(now(shadowed::boxed(3)), Some(3));
    assert_eq!(shadowed::plain(4), 4);
    let ignored = registry().get("hygiene.async").map(|circuit| circuit.snapshot().calls.ignored);
    assert_eq!(ignored, Some(1));
}
