//! What functions become, written so that a reader can follow it.

use expect_test::{Expect, expect};
use proc_macro2::TokenStream;

use crate::guard::guard;

/// The function that an attribute and an item become, as rustfmt would show it.
fn expanded(args: &str, item: &str) -> String {
    let parse = |text: &str| text.parse::<TokenStream>().expect("the test's tokens are tokens");
    let guarded = guard(parse(args), &parse(item)).to_string();
    // `prettyplease` leaves the arguments of macros it does not know as they are.
    prettyplease::unparse(&syn::parse_file(&guarded).expect("an expansion is Rust"))
}

#[track_caller]
fn check(args: &str, item: &str, expected: &Expect) {
    expected.assert_eq(&expanded(args, item));
}

#[test]
fn a_sync_function() {
    check(
        r#"name = "prices""#,
        "fn price(sku: &str) -> Result<Price, Fault> { fetch(sku) }",
        &expect![[r#"
            fn price(sku: &str) -> Result<Price, Fault> {
                'guarded: {
                    let circuit = ::breaker_runtime::__private::site!(
                        "prices", "price", ::breaker_runtime::__private::Config::new()
                    );
                    let permit = match ::breaker_runtime::__private::enter(circuit) {
                        ::core::result::Result::Ok(permit) => permit,
                        ::core::result::Result::Err(rejected) => {
                            break 'guarded ::breaker_runtime::__private::refuse(rejected);
                        }
                    };
                    let value = ::breaker_runtime::__private::call(move || -> Result<Price, Fault> {
                        let sku = sku;
                        #[allow(clippy::diverging_sub_expression)]
                        let value: Result<Price, Fault> = { fetch(sku) };
                        #[allow(unreachable_code)] value
                    });
                    let kind = ::breaker_runtime::__private::KindOf::value(&value).__breaker_kind();
                    ::breaker_runtime::__private::settle(
                        permit,
                        ::breaker_runtime::__private::outcome(kind, &value),
                    );
                    value
                }
            }
        "#]],
    );
}

#[test]
fn an_async_function_whose_dropped_calls_fail_after_a_time() {
    check(
        r#"name = "stock", on_cancel = failure_after(PATIENCE)"#,
        "async fn stock(sku: &str) -> Result<Stock, Fault> { fetch(sku).await }",
        &expect![[r#"
            async fn stock(sku: &str) -> Result<Stock, Fault> {
                'guarded: {
                    let circuit = ::breaker_runtime::__private::site!(
                        "stock", "stock", ::breaker_runtime::__private::Config::new()
                    );
                    let mut permit = match ::breaker_runtime::__private::enter_at_once(circuit) {
                        ::core::option::Option::Some(admission) => {
                            ::breaker_runtime::__private::Admission::permit(admission)
                        }
                        ::core::option::Option::None => {
                            match ::breaker_runtime::__private::enter_async(circuit).await {
                                ::core::result::Result::Ok(permit) => permit,
                                ::core::result::Result::Err(rejected) => {
                                    break 'guarded ::breaker_runtime::__private::refuse(rejected);
                                }
                            }
                        }
                    };
                    let on_cancel = ::breaker_runtime::__private::OnCancel::FailureAfter({
                        const __BREAKER_LIMIT: ::core::time::Duration = ::breaker_runtime::__private::failure_after(
                            PATIENCE,
                        );
                        __BREAKER_LIMIT
                    });
                    let value = ::breaker_runtime::__private::FailsAfter::new(
                            &mut permit,
                            on_cancel,
                            async move {
                                if false {
                                    let value: Result<Stock, Fault> = ::breaker_runtime::__private::never();
                                    return value;
                                }
                                let sku = sku;
                                #[allow(clippy::diverging_sub_expression)]
                                let value: Result<Stock, Fault> = { fetch(sku).await };
                                #[allow(unreachable_code)] value
                            },
                        )
                        .await;
                    let kind = ::breaker_runtime::__private::KindOf::value(&value).__breaker_kind();
                    ::breaker_runtime::__private::settle(
                        permit,
                        ::breaker_runtime::__private::outcome(kind, &value),
                    );
                    value
                }
            }
        "#]],
    );
}

#[test]
fn an_async_function_with_a_closure_fallback() {
    check(
        r#"name = "stock", ignore_if = Fault::is_absent, fallback = |err| Ok(Stock::unknown(sku, err))"#,
        "async fn stock(sku: String) -> Result<Stock, Fault> { fetch(sku).await }",
        &expect![[r#"
            async fn stock(sku: String) -> Result<Stock, Fault> {
                let error = 'guarded: {
                    let circuit = ::breaker_runtime::__private::site!(
                        "stock", "stock", ::breaker_runtime::__private::Config::new()
                    );
                    let mut permit = match ::breaker_runtime::__private::enter_at_once(circuit) {
                        ::core::option::Option::Some(admission) => {
                            ::breaker_runtime::__private::Admission::permit(admission)
                        }
                        ::core::option::Option::None => {
                            match ::breaker_runtime::__private::enter_async(circuit).await {
                                ::core::result::Result::Ok(permit) => permit,
                                ::core::result::Result::Err(rejected) => {
                                    break 'guarded ::breaker_runtime::__private::CallError::Rejected(
                                        rejected,
                                    );
                                }
                            }
                        }
                    };
                    let lent_sku = ::breaker_runtime::__private::keep(&sku);
                    let value = ::breaker_runtime::__private::Guarded::new(
                            &mut permit,
                            ::breaker_runtime::__private::OnCancel::Ignore,
                            async move {
                                if false {
                                    let value: Result<Stock, Fault> = ::breaker_runtime::__private::never();
                                    return value;
                                }
                                #[allow(unused_variables)]
                                let sku = lent_sku;
                                #[allow(clippy::diverging_sub_expression)]
                                let value: Result<Stock, Fault> = { fetch(sku).await };
                                #[allow(unreachable_code)] value
                            },
                        )
                        .await;
                    let kind = ::breaker_runtime::__private::KindOf::value(&value).__breaker_kind();
                    match ::breaker_runtime::__private::settle_or_fall_back(
                        permit,
                        ::breaker_runtime::__private::ignore_if(
                            kind,
                            &value,
                            Fault::is_absent,
                            |value| ::breaker_runtime::__private::outcome(kind, value),
                        ),
                        kind,
                        value,
                    ) {
                        ::core::result::Result::Ok(value) => return value,
                        ::core::result::Result::Err(error) => error,
                    }
                };
                let err = error;
                Ok(Stock::unknown(sku, err))
            }
        "#]],
    );
}

#[test]
fn a_method_with_a_path_fallback() {
    check(
        r#"name = "orders", failure_threshold = LIMIT, fallback = Self::queue, fallback_on = rejected"#,
        "pub fn place(&mut self, (id, order): (u64, Order)) -> Result<(), Fault> { self.send(id, order) }",
        &expect![[r#"
            pub fn place(&mut self, __arg1: (u64, Order)) -> Result<(), Fault> {
                'guarded: {
                    let circuit = {
                        const __BREAKER_CONFIG: ::breaker_runtime::__private::Config = ::breaker_runtime::__private::Config::new()
                            .failure_threshold(LIMIT);
                        const _: () = ::breaker_runtime::__private::check(
                            &__BREAKER_CONFIG,
                            "failure_threshold",
                        );
                        ::breaker_runtime::__private::site!("orders", "place", __BREAKER_CONFIG)
                    };
                    let permit = match ::breaker_runtime::__private::enter(circuit) {
                        ::core::result::Result::Ok(permit) => permit,
                        ::core::result::Result::Err(rejected) => {
                            break 'guarded ::core::mem::drop(rejected);
                        }
                    };
                    return {
                        let value = ::breaker_runtime::__private::call(move || -> Result<(), Fault> {
                            let _ = &self;
                            let __arg1 = __arg1;
                            #[allow(unused_variables)]
                            let (id, order) = __arg1;
                            #[allow(clippy::diverging_sub_expression)]
                            let value: Result<(), Fault> = { self.send(id, order) };
                            #[allow(unreachable_code)] value
                        });
                        let kind = ::breaker_runtime::__private::KindOf::value(&value)
                            .__breaker_kind();
                        ::breaker_runtime::__private::settle(
                            permit,
                            ::breaker_runtime::__private::outcome(kind, &value),
                        );
                        value
                    };
                };
                let value = Self::queue(self, __arg1);
                value
            }
        "#]],
    );
}

#[test]
fn a_boxed_future() {
    check(
        r#"name = "users""#,
        "fn user<'a>(&'a self, id: u64) -> Pin<Box<dyn Future<Output = Option<User>> + Send + 'a>> { Box::pin(async move { self.find(id).await }) }",
        &expect![[r#"
            fn user<'a>(
                &'a self,
                id: u64,
            ) -> Pin<Box<dyn Future<Output = Option<User>> + Send + 'a>> {
                let future = ::breaker_runtime::__private::call(move || -> Pin<
                    Box<dyn Future<Output = Option<User>> + Send + 'a>,
                > {
                    let _ = &self;
                    let id = id;
                    #[allow(clippy::diverging_sub_expression)]
                    let value: Pin<Box<dyn Future<Output = Option<User>> + Send + 'a>> = {
                        Box::pin(async move { self.find(id).await })
                    };
                    #[allow(unreachable_code)] value
                });
                ::breaker_runtime::__private::Box::pin(async move {
                    if false {
                        let value: Option<User> = ::breaker_runtime::__private::never();
                        return value;
                    }
                    'guarded: {
                        let circuit = ::breaker_runtime::__private::site!(
                            "users", "user", ::breaker_runtime::__private::Config::new()
                        );
                        let mut permit = match ::breaker_runtime::__private::enter_at_once(circuit) {
                            ::core::option::Option::Some(admission) => {
                                ::breaker_runtime::__private::Admission::permit(admission)
                            }
                            ::core::option::Option::None => {
                                match ::breaker_runtime::__private::enter_async(circuit).await {
                                    ::core::result::Result::Ok(permit) => permit,
                                    ::core::result::Result::Err(rejected) => {
                                        break 'guarded ::breaker_runtime::__private::refuse(rejected);
                                    }
                                }
                            }
                        };
                        let value = {
                            let resolved = ::breaker_runtime::__private::Guarded::new(
                                    &mut permit,
                                    ::breaker_runtime::__private::OnCancel::Ignore,
                                    future,
                                )
                                .await;
                            let value: Option<User> = resolved;
                            value
                        };
                        let kind = ::breaker_runtime::__private::KindOf::value(&value)
                            .__breaker_kind();
                        ::breaker_runtime::__private::settle(
                            permit,
                            ::breaker_runtime::__private::outcome(kind, &value),
                        );
                        value
                    }
                })
            }
        "#]],
    );
}

/// The example above `expand` is what `expand` does.
#[test]
fn the_documented_output_is_the_real_one() {
    let documented = |from: &str, to: &str| {
        let source = include_str!("../expand.rs");
        let (_, text) = source.split_once(from).expect("the heading is there");
        let (_, text) = text.split_once("```text\n").expect("the block begins");
        let (text, _) = text.split_once(to).expect("the block ends");
        let lines = text.lines().map(|line| line.trim_start_matches("///").trim_start_matches(' '));
        lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    // The two are laid out by different hands: only white space and trailing commas may differ.
    let squeezed = |text: &str| {
        let text = text.split_whitespace().collect::<String>();
        text.replace(",)", ")").replace(",>", ">")
    };

    let input = documented("/// Input:", "/// ```");
    let (attribute, item) = input.split_once(")]\n").expect("the attribute stands on its own line");
    let (_, args) = attribute.split_once('(').expect("the attribute has arguments");
    let output = expanded(args, item).replace("::breaker_runtime::__private::", "rt::");
    assert_eq!(squeezed(&documented("/// Output,", "/// ```")), squeezed(&output), "\n{output}");
}
