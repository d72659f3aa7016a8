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

    // A pattern means an item of that name, if there is one, wherever the pattern was written.
    #[allow(non_upper_case_globals)]
    mod patterns {
        pub static circuit: u8 = 0;
        pub static permit: u8 = 0;
        pub static value: u8 = 0;
        pub static resolved: u8 = 0;
        pub const rejected: u8 = 0;
        pub const error: u8 = 0;
        pub const error_type: u8 = 0;
        pub const admission: u8 = 0;
        pub const kind: u8 = 0;
        pub const length: u8 = 0;
        pub const kept_self: u8 = 0;
        pub const lent_text: u8 = 0;
        pub const __arg0: u8 = 0;
        #[allow(non_camel_case_types)]
        pub struct future;
    }

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

    #[circuit_breaker(name = "hygiene.plain", fallback = 7, failures = panics)]
    pub fn plain(value: u8) -> u8 {
        value
    }

    /// Every local that generated code needs, among items that have the names it could have taken.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_self
    )]
    pub mod among_items {
        use ::breaker_runtime::circuit_breaker;
        use ::core::time::Duration;

        #[allow(clippy::wildcard_imports, unused_imports)]
        use super::patterns::*;
        use crate::Text;

        const SITE: u32 = 3;
        const FIVE: u32 = 5;
        type Answer = ::core::result::Result<u8, Text>;

        #[circuit_breaker(name = "hygiene.items", window = FIVE, minimum_calls = 5, ignore_if = Text::is_empty, fallback = |_| ::core::result::Result::Ok(text.len() as u8))]
        pub fn sync(text: ::std::string::String, (one, _): (u8, u8)) -> Answer {
            let _ = text;
            if one == 1 {
                ::core::result::Result::Err(Text("down"))
            } else {
                ::core::result::Result::Ok(one)
            }
        }

        #[circuit_breaker(name = "hygiene.items.keyed", key = text, max_keys = SITE, call_timeout = Duration::from_secs(1), fallback = |_| ::core::result::Result::Ok(text.len() as u8))]
        pub async fn asynchronous(text: ::std::string::String) -> Answer {
            let _ = text;
            ::core::result::Result::Err(Text("down"))
        }

        #[circuit_breaker(name = "hygiene.items.refused", fallback_on = rejected, fallback = |_| ::core::result::Result::Ok(0))]
        pub fn refused((one, _): (u8, u8)) -> Answer {
            ::core::result::Result::Ok(one)
        }

        #[circuit_breaker(name = "hygiene.items.boxed")]
        pub fn boxed(
            one: u8,
        ) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = Answer>>>
        {
            ::std::boxed::Box::pin(async move { ::core::result::Result::Ok(one) })
        }

        #[derive(Clone)]
        pub struct Owned;

        impl Owned {
            #[circuit_breaker(name = "hygiene.items.owned", fallback = Self::other)]
            pub fn owned(self, _: u8) -> Answer {
                ::core::result::Result::Err(Text("down"))
            }

            const fn other(self, _: u8) -> Answer {
                ::core::result::Result::Ok(9)
            }
        }
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

#[test]
fn m04_items_of_any_name_do_not_matter() {
    use shadowed::among_items;

    let text = || ::std::string::ToString::to_string("text");
    assert_eq!(among_items::sync(text(), (1, 0)), Ok(4));
    assert_eq!(among_items::sync(::std::string::String::new(), (2, 0)), Ok(2));
    assert_eq!(among_items::refused((3, 0)), Ok(3));
    assert_eq!(now(among_items::boxed(4)), Ok(4));
    assert_eq!(among_items::Owned.owned(0), Ok(9));
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_time().build();
    assert_eq!(
        runtime.map(|runtime| runtime.block_on(among_items::asynchronous(text()))).ok(),
        Some(Ok(4))
    );
}
