//! The words that properties are written in.

/// Properties, as functions of one case.
#[macro_export]
macro_rules! proptest {
    (#![proptest_config($config:expr)] $($properties:tt)*) => {
        $crate::proptest! { $($properties)* }
    };
    ($(
        $(#[$attribute:meta])*
        fn $name:ident($($argument:pat in $strategy:expr),+ $(,)?) $body:block
    )*) => {$(
        pub(crate) fn $name(source: &mut $crate::Source<'_>) -> Result<(), $crate::Failed> {
            $(let $argument = $crate::Strategy::draw(&$strategy, source);)+
            $body
            Ok(())
        }
    )*};
}

/// A strategy with a name, made of others.
#[macro_export]
macro_rules! prop_compose {
    (
        $visibility:vis fn $name:ident()($($argument:pat in $strategy:expr),+ $(,)?) -> $value:ty
        $body:block
    ) => {
        $visibility fn $name() -> impl $crate::Strategy<Value = $value> {
            struct Composed;
            impl $crate::Strategy for Composed {
                type Value = $value;

                fn draw(&self, source: &mut $crate::Source<'_>) -> $value {
                    $(let $argument = $crate::Strategy::draw(&$strategy, source);)+
                    $body
                }
            }
            Composed
        }
    };
}

/// One of several strategies, some more likely than others.
#[macro_export]
macro_rules! prop_oneof {
    ($($weight:expr => $strategy:expr),+ $(,)?) => {
        $crate::OneOf(vec![$(($weight, Box::new($strategy))),+])
    };
}

/// Ends the property, unless that holds.
#[macro_export]
macro_rules! prop_assert {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}

/// Ends the property, unless the two are the same.
#[macro_export]
macro_rules! prop_assert_eq {
    ($one:expr, $other:expr) => {
        match (&$one, &$other) {
            (one, other) => $crate::prop_assert!(one == other, "{one:?} is not {other:?}"),
        }
    };
}
