//! The generated code, as snapshots.

use expect_test::{Expect, expect};
use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::visit_mut::{VisitMut, visit_expr_mut};

use crate::guard::guard;

/// The tokens that an attribute and an item become.
fn guarded(args: &str, item: &str) -> TokenStream {
    let parse = |text: &str| text.parse::<TokenStream>().expect("the test's tokens are tokens");
    guard(parse(args), &parse(item))
}

/// The function that an attribute and an item become, as rustfmt would show it, with the bodies that the runtime
/// makes of it without feature `test-util`.
fn expanded(args: &str, item: &str) -> String {
    let guarded = guarded(args, item).to_string();
    let mut file = syn::parse_file(&guarded).expect("an expansion is Rust");
    Bodies.visit_file_mut(&mut file);
    // `prettyplease` does not format the arguments of unknown macros.
    prettyplease::unparse(&file)
}

/// Expands the macros of the runtime that are a body.
struct Bodies;

impl VisitMut for Bodies {
    fn visit_expr_mut(&mut self, expr: &mut syn::Expr) {
        if let syn::Expr::Macro(body) = expr {
            let name = body.mac.path.segments.last().map(|last| last.ident.to_string());
            let tokens: Vec<_> = body.mac.tokens.clone().into_iter().collect();
            let group = |at: usize| match &tokens[at] {
                TokenTree::Group(group) => group.stream(),
                token => panic!("{token} is no group"),
            };
            let made = match name.as_deref() {
                Some("body") => tokens[2..].iter().cloned().collect(),
                Some("awaited_body") if tokens.len() == 4 => {
                    let guarded = group(3);
                    quote! { #guarded.await }
                }
                Some("awaited_body") => {
                    let (running, future, guarded) = (&tokens[1], group(4), group(5));
                    quote! {{
                        let #running = #future;
                        let #running = ::core::pin::pin!(#running);
                        #guarded.await
                    }}
                }
                _ => return,
            };
            *expr = syn::parse2(made).expect("a body is an expression");
        }
        visit_expr_mut(self, expr);
    }
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
                use ::breaker_runtime::__private as __breaker;
                let __breaker_circuit = __breaker::site!("prices\0\0\0price\0");
                let __breaker_permit = match __breaker::enter_or_refuse(__breaker_circuit) {
                    __breaker::Ok(__breaker_permit) => __breaker_permit,
                    __breaker::Err(__breaker_rejected) => return __breaker_rejected,
                };
                let __breaker_value = {
                    let __breaker_value: Result<Price, Fault> = match () {
                        () => fetch(sku),
                    };
                    #[allow(unreachable_code)] __breaker_value
                };
                __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                __breaker_value
            }
        "#]],
    );
}

#[test]
fn a_body_that_may_leave_early() {
    check(
        r#"name = "prices""#,
        "fn price(&self, (sku, mut count): (Sku, u32), _: &str) -> Result<Price, Fault> { count += 1; Ok(fetch(sku)? * count) }",
        &expect![[r#"
            fn price(&self, (sku, count): (Sku, u32), _: &str) -> Result<Price, Fault> {
                use ::breaker_runtime::__private as __breaker;
                let __breaker_circuit = __breaker::site!("prices\0\0\0price\0");
                let __breaker_permit = match __breaker::enter_or_refuse(__breaker_circuit) {
                    __breaker::Ok(__breaker_permit) => __breaker_permit,
                    __breaker::Err(__breaker_rejected) => return __breaker_rejected,
                };
                let __breaker_value = __breaker::call(move || -> Result<Price, Fault> {
                    let sku = sku;
                    let mut count = count;
                    let __breaker_value: Result<Price, Fault> = match () {
                        () => {
                            count += 1;
                            Ok(fetch(sku)? * count)
                        }
                    };
                    #[allow(unreachable_code)] __breaker_value
                });
                __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                __breaker_value
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
                use ::breaker_runtime::__private as __breaker;
                let __breaker_circuit = __breaker::site!("stock\0\0\0stock\0");
                let mut __breaker_permit = match __breaker::enter_at_once(__breaker_circuit) {
                    __breaker::Some(__breaker_admission) => {
                        __breaker::Admission::permit(__breaker_admission)
                    }
                    __breaker::None => {
                        match __breaker::enter_async_or_refuse(__breaker_circuit).await {
                            __breaker::Ok(__breaker_permit) => __breaker_permit,
                            __breaker::Err(__breaker_rejected) => return __breaker_rejected,
                        }
                    }
                };
                let __breaker_on_cancel = __breaker::OnCancel::FailureAfter({
                    const __BREAKER_LIMIT: ::core::time::Duration = __breaker::failure_after(
                        PATIENCE,
                    );
                    __BREAKER_LIMIT
                });
                let __breaker_value = {
                    let __breaker_running = async move {
                        if false {
                            let __breaker_value: Result<Stock, Fault> = __breaker::never();
                            return __breaker_value;
                        }
                        let __breaker_value: Result<Stock, Fault> = match () {
                            () => fetch(sku).await,
                        };
                        #[allow(unreachable_code)] __breaker_value
                    };
                    let __breaker_running = ::core::pin::pin!(__breaker_running);
                    __breaker::FailsAfter::new(
                            &mut __breaker_permit,
                            __breaker_on_cancel,
                            __breaker_running,
                        )
                        .await
                };
                __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                __breaker_value
            }
        "#]],
    );
}

#[test]
fn an_async_function_with_an_argument_that_may_be_large() {
    check(
        r#"name = "stock""#,
        "async fn stock(order: Order) -> Result<Stock, Fault> { fetch(order).await }",
        &expect![[r#"
            async fn stock(order: Order) -> Result<Stock, Fault> {
                use ::breaker_runtime::__private as __breaker;
                let __breaker_value = __breaker::call_async(
                        __breaker::site!("stock\0\0\0stock\0"),
                        __breaker::refuse,
                        __breaker::kind_of::<Result<Stock, Fault>>().__breaker_kind(),
                        __breaker::faults!(Result < Stock, Fault >),
                        async move {
                            if false {
                                let __breaker_value: Result<Stock, Fault> = __breaker::never();
                                return __breaker_value;
                            }
                            let order = order;
                            let __breaker_value: Result<Stock, Fault> = match () {
                                () => fetch(order).await,
                            };
                            #[allow(unreachable_code)] __breaker_value
                        },
                    )
                    .await;
                __breaker_value
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
                use ::breaker_runtime::__private as __breaker;
                let __breaker_error = '__breaker_guarded: {
                    let __breaker_circuit = __breaker::site!("stock\0\0\0stock\0");
                    let mut __breaker_permit = match __breaker::enter_at_once(__breaker_circuit) {
                        __breaker::Some(__breaker_admission) => {
                            __breaker::Admission::permit(__breaker_admission)
                        }
                        __breaker::None => {
                            match __breaker::enter_async(__breaker_circuit).await {
                                __breaker::Ok(__breaker_permit) => __breaker_permit,
                                __breaker::Err(__breaker_rejected) => {
                                    break '__breaker_guarded __breaker::CallError::Rejected(
                                        __breaker_rejected,
                                    );
                                }
                            }
                        }
                    };
                    let __breaker_lent_sku = __breaker::keep(&sku);
                    let __breaker_value = {
                        let __breaker_running = async move {
                            if false {
                                let __breaker_value: Result<Stock, Fault> = __breaker::never();
                                return __breaker_value;
                            }
                            #[allow(unused_variables)]
                            let sku = __breaker_lent_sku;
                            let __breaker_value: Result<Stock, Fault> = match () {
                                () => fetch(sku).await,
                            };
                            #[allow(unreachable_code)] __breaker_value
                        };
                        let __breaker_running = ::core::pin::pin!(__breaker_running);
                        __breaker::Guarded::ignoring(&mut __breaker_permit, __breaker_running).await
                    };
                    if false {
                        __breaker::Resolved::value(&__breaker_value).__breaker_check();
                    }
                    let __breaker_kind = __breaker::KindOf::value(&__breaker_value).__breaker_kind();
                    match __breaker::settle_or_fall_back(
                        __breaker_permit,
                        __breaker::ignore_if(
                            __breaker_kind,
                            &__breaker_value,
                            Fault::is_absent,
                            |__breaker_value| __breaker::outcome(__breaker_kind, __breaker_value),
                        ),
                        __breaker_kind,
                        __breaker_value,
                    ) {
                        __breaker::Ok(__breaker_value) => return __breaker_value,
                        __breaker::Err(__breaker_error) => __breaker_error,
                    }
                };
                let err = __breaker_error;
                Ok(Stock::unknown(sku, err))
            }
        "#]],
    );
}

#[test]
fn a_function_whose_errors_ask_to_stay_away() {
    check(
        r#"name = "prices", open_for = Fault::retry_after, failure_if = is_busy"#,
        "fn price(sku: &str) -> Result<Price, Fault> { fetch(sku) }",
        &expect![[r#"
            fn price(sku: &str) -> Result<Price, Fault> {
                use ::breaker_runtime::__private as __breaker;
                let __breaker_circuit = __breaker::site!("prices\0\0\0price\0");
                let __breaker_permit = match __breaker::enter_or_refuse(__breaker_circuit) {
                    __breaker::Ok(__breaker_permit) => __breaker_permit,
                    __breaker::Err(__breaker_rejected) => return __breaker_rejected,
                };
                let __breaker_value = {
                    let __breaker_value: Result<Price, Fault> = match () {
                        () => fetch(sku),
                    };
                    #[allow(unreachable_code)] __breaker_value
                };
                let __breaker_kind = __breaker::KindOf::value(&__breaker_value).__breaker_kind();
                __breaker::settle(
                    __breaker_permit,
                    __breaker::open_for(
                        __breaker_kind,
                        &__breaker_value,
                        __breaker::failure_if(&__breaker_value, is_busy),
                        Fault::retry_after,
                    ),
                );
                __breaker_value
            }
        "#]],
    );
}

#[test]
fn a_function_whose_errors_are_asked_for_a_time_and_for_words() {
    check(
        r#"name = "prices", open_for = Fault::retry_after, describe_error = |error| error"#,
        "fn price(sku: &str) -> Result<Price, Fault> { fetch(sku) }",
        &expect![[r#"
            fn price(sku: &str) -> Result<Price, Fault> {
                use ::breaker_runtime::__private as __breaker;
                let __breaker_circuit = __breaker::site!("prices\0\0\0price\0");
                let __breaker_permit = match __breaker::enter_or_refuse(__breaker_circuit) {
                    __breaker::Ok(__breaker_permit) => __breaker_permit,
                    __breaker::Err(__breaker_rejected) => return __breaker_rejected,
                };
                let __breaker_value = {
                    let __breaker_value: Result<Price, Fault> = match () {
                        () => fetch(sku),
                    };
                    #[allow(unreachable_code)] __breaker_value
                };
                let __breaker_kind = __breaker::KindOf::value(&__breaker_value).__breaker_kind();
                __breaker::settle(
                    __breaker_permit,
                    __breaker::describe_error(
                        __breaker_kind,
                        &__breaker_value,
                        __breaker::open_for(
                            __breaker_kind,
                            &__breaker_value,
                            __breaker::outcome(__breaker_kind, &__breaker_value),
                            Fault::retry_after,
                        ),
                        |error| error,
                    ),
                );
                __breaker_value
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
            pub fn place(&mut self, __breaker_arg1: (u64, Order)) -> Result<(), Fault> {
                use ::breaker_runtime::__private as __breaker;
                '__breaker_guarded: {
                    let __breaker_circuit = {
                        const __BREAKER_CONFIG: __breaker::Config = __breaker::Config::new()
                            .failure_threshold(LIMIT);
                        const _: () = __breaker::check(&__BREAKER_CONFIG, "failure_threshold");
                        __breaker::site!("\0\0\0place\0", "orders", __BREAKER_CONFIG, 0)
                    };
                    let __breaker_permit = match __breaker::enter(__breaker_circuit) {
                        __breaker::Ok(__breaker_permit) => __breaker_permit,
                        __breaker::Err(__breaker_rejected) => {
                            break '__breaker_guarded ::core::mem::drop(__breaker_rejected);
                        }
                    };
                    return {
                        let __breaker_value = {
                            let __breaker_arg1 = __breaker_arg1;
                            #[allow(unused_variables)]
                            let (id, order) = __breaker_arg1;
                            let __breaker_value: Result<(), Fault> = match () {
                                () => self.send(id, order),
                            };
                            #[allow(unreachable_code)] __breaker_value
                        };
                        if false {
                            __breaker::Returned::value(&__breaker_value)
                                .__breaker_opens(&__breaker_value);
                        }
                        __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                        __breaker_value
                    };
                };
                let __breaker_value = Self::queue(self, __breaker_arg1);
                __breaker_value
            }
        "#]],
    );
}

#[test]
fn a_name_that_is_a_constant() {
    check(
        "name = names::PRICES, key = sku, max_keys = 9",
        "fn price(sku: &str) -> Option<u8> { None }",
        &expect![[r#"
            fn price(sku: &str) -> Option<u8> {
                use ::breaker_runtime::__private as __breaker;
                let __breaker_circuit = {
                    let __breaker_circuit = __breaker::circuit_for(
                        __breaker::keyed_site!(
                            "\0\0\0price\0", { const __BREAKER_NAME : & 'static
                            ::core::primitive::str = names::PRICES; __breaker::name(__BREAKER_NAME,
                            true) }, __breaker::Config::new(), __breaker::max_keys(9)
                        ),
                        &(sku),
                        |__breaker_key, __breaker_digits| {
                            __breaker::key_of(__breaker_key).__breaker_text(__breaker_digits)
                        },
                    );
                    __breaker_circuit
                };
                let __breaker_circuit = &*__breaker_circuit;
                let __breaker_permit = match __breaker::enter_or_refuse(__breaker_circuit) {
                    __breaker::Ok(__breaker_permit) => __breaker_permit,
                    __breaker::Err(__breaker_rejected) => return __breaker_rejected,
                };
                let __breaker_value = {
                    let __breaker_value: Option<u8> = match () {
                        () => None,
                    };
                    #[allow(unreachable_code)] __breaker_value
                };
                __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                __breaker_value
            }
        "#]],
    );
}

#[test]
fn a_config_with_options_beside_it() {
    check(
        r#"name = "prices", config = SHARED, cooldown = "5s", window = WINDOW"#,
        "fn price(sku: &str) -> Option<u8> { None }",
        &expect![[r#"
            fn price(sku: &str) -> Option<u8> {
                use ::breaker_runtime::__private as __breaker;
                let __breaker_circuit = {
                    const __BREAKER_BEGIN: __breaker::Config = SHARED;
                    const __BREAKER_CONFIG: __breaker::Config = {
                        let __breaker_length = WINDOW;
                        __breaker::unit_of(&__breaker_length)
                            .window(
                                __BREAKER_BEGIN.cooldown(::core::time::Duration::new(5u64, 0u32)),
                                __breaker_length,
                            )
                    };
                    const _: () = __breaker::check_beside(
                        &__BREAKER_CONFIG,
                        &["cooldown", "window"],
                        "cooldown",
                    );
                    const _: () = __breaker::check_beside(
                        &__BREAKER_CONFIG,
                        &["cooldown", "window"],
                        "window",
                    );
                    const _: () = __breaker::check_beside(
                        &__BREAKER_CONFIG,
                        &["cooldown", "window"],
                        "config",
                    );
                    __breaker::site!("\0\0\0price\0", "prices", __BREAKER_CONFIG, 0)
                };
                let __breaker_permit = match __breaker::enter_or_refuse(__breaker_circuit) {
                    __breaker::Ok(__breaker_permit) => __breaker_permit,
                    __breaker::Err(__breaker_rejected) => return __breaker_rejected,
                };
                let __breaker_value = {
                    let __breaker_value: Option<u8> = match () {
                        () => None,
                    };
                    #[allow(unreachable_code)] __breaker_value
                };
                __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                __breaker_value
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
                use ::breaker_runtime::__private as __breaker;
                let __breaker_future = __breaker::call(move || -> Pin<
                    Box<dyn Future<Output = Option<User>> + Send + 'a>,
                > { Box::pin(async move { self.find(id).await }) });
                {
                    fn __breaker_awaited<__BreakerFuture: Future>(__breaker_it: &__BreakerFuture) {
                        __breaker::awaited(__breaker_it)
                    }
                }
                let __breaker_kind = __breaker::Made::value(&__breaker_future).__breaker_made();
                let __breaker_future = __breaker_kind.__breaker_future(__breaker_future);
                __breaker_kind
                    .__breaker_boxed(
                        __breaker::Box::pin(async move {
                            if false {
                                let __breaker_value: Option<User> = __breaker::never();
                                return __breaker_value;
                            }
                            let __breaker_circuit = __breaker::site!("users\0\0\0user\0");
                            let mut __breaker_permit = match __breaker::enter_at_once(
                                __breaker_circuit,
                            ) {
                                __breaker::Some(__breaker_admission) => {
                                    __breaker::Admission::permit(__breaker_admission)
                                }
                                __breaker::None => {
                                    match __breaker::enter_async_or_refuse(__breaker_circuit).await {
                                        __breaker::Ok(__breaker_permit) => __breaker_permit,
                                        __breaker::Err(__breaker_rejected) => {
                                            return __breaker_rejected;
                                        }
                                    }
                                }
                            };
                            let __breaker_value = {
                                let __breaker_resolved = {
                                    let __breaker_running = __breaker_future;
                                    let __breaker_running = ::core::pin::pin!(__breaker_running);
                                    __breaker::Guarded::ignoring(
                                            &mut __breaker_permit,
                                            __breaker_running,
                                        )
                                        .await
                                };
                                let __breaker_value: Option<User> = __breaker_resolved;
                                __breaker_value
                            };
                            __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                            __breaker_value
                        }),
                    )
            }
        "#]],
    );
}

#[cfg(feature = "stream")]
#[test]
fn a_stream() {
    check(
        r#"name = "prices""#,
        "fn prices() -> impl Stream<Item = Result<Price, PriceError>> { connect() }",
        &expect![[r#"
            fn prices() -> impl Stream<Item = Result<Price, PriceError>> {
                use ::breaker_runtime::__private as __breaker;
                let __breaker_stream = __breaker::call(move || -> _ { connect() });
                {
                    fn __breaker_awaited<__BreakerFuture: Stream>(__breaker_it: &__BreakerFuture) {
                        __breaker::polled(__breaker_it)
                    }
                    __breaker_awaited(&__breaker_stream);
                }
                let __breaker_kind = __breaker::MadeStream::<
                    Result<Price, PriceError>,
                    _,
                >::value(&__breaker_stream)
                    .__breaker_made();
                let __breaker_stream = __breaker_kind.__breaker_stream(__breaker_stream);
                __breaker::Streamed::new(
                    __breaker_stream,
                    __breaker::OnCancel::Ignore,
                    move |__breaker_value| {
                        let __breaker_kind = __breaker::KindOf::value(__breaker_value)
                            .__breaker_kind();
                        __breaker::outcome(__breaker_kind, __breaker_value)
                    },
                    async move {
                        let __breaker_circuit = __breaker::shared_site!("prices\0\0\0prices\0");
                        match __breaker::enter_stream(__breaker::shared(__breaker_circuit)).await {
                            __breaker::Ok(__breaker_permit) => {
                                __breaker::begun!(__breaker_permit[Result < Price, PriceError >])
                            }
                            __breaker::Err(__breaker_rejected) => {
                                __breaker::Beginning::Refused(__breaker::refuse(__breaker_rejected))
                            }
                        }
                    },
                )
            }
        "#]],
    );
}

#[test]
fn a_function_that_returns_a_closure() {
    check(
        r#"name = "hashes", fallback = hash"#,
        "fn hash<'a, T>(&self, all: &'a [T]) -> impl Fn(&usize, &Entry<T>) -> (u64, &T) + 'a { |at, entry| (entry.hash(at), all) }",
        &expect![[r#"
            fn hash<'a, T>(&self, all: &'a [T]) -> impl Fn(&usize, &Entry<T>) -> (u64, &T) + 'a {
                use ::breaker_runtime::__private as __breaker;
                '__breaker_guarded: {
                    let __breaker_circuit = __breaker::site!("hashes\0\0\0hash\0");
                    let __breaker_permit = match __breaker::enter(__breaker_circuit) {
                        __breaker::Ok(__breaker_permit) => __breaker_permit,
                        __breaker::Err(__breaker_rejected) => {
                            break '__breaker_guarded ::core::mem::drop(__breaker_rejected);
                        }
                    };
                    return {
                        let __breaker_value = {
                            let __breaker_expected = {
                                fn __breaker_expected<
                                    __BreakerClosure: Fn(
                                            &usize,
                                            &__BreakerType0,
                                        ) -> (u64, &__BreakerType1),
                                    __BreakerType0: ?::core::marker::Sized,
                                    __BreakerType1: ?::core::marker::Sized,
                                >() -> __breaker::Expected<__BreakerClosure> {
                                    __breaker::Expected::new()
                                }
                                __breaker_expected::<_, Entry<T>, T>()
                            };
                            #[allow(unreachable_code)]
                            let __breaker_value: _ = __breaker::Expected::value(
                                __breaker_expected,
                                #[allow(clippy::diverging_sub_expression)]
                                { |at, entry| (entry.hash(at), all) },
                            );
                            #[allow(unreachable_code)] __breaker_value
                        };
                        if false {
                            __breaker::Returned::value(&__breaker_value)
                                .__breaker_opens(&__breaker_value);
                        }
                        __breaker::ended(&__breaker_value).__breaker_settle(__breaker_permit);
                        __breaker_value
                    };
                };
                let __breaker_value = hash(self, all);
                __breaker_value
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
    // Both are formatted differently: only white space and trailing commas may differ.
    let squeezed = |text: &str| {
        let text = text.split_whitespace().collect::<String>();
        text.replace(",)", ")").replace(",>", ">")
    };

    let input = documented("/// Input:", "/// ```");
    let (attribute, item) = input.split_once(")]\n").expect("the attribute stands on its own line");
    let (_, args) = attribute.split_once('(').expect("the attribute has arguments");
    let output = expanded(args, item);
    assert_eq!(squeezed(&documented("/// Output:", "/// ```")), squeezed(&output), "\n{output}");
}

/// What a test may have happen in place of the body: an error of that type, or none at all.
#[track_caller]
fn check_replaced(item: &str, replaced: &str) {
    let args = r#"name = "prices", fallback = |_| todo!(), failures = panics"#;
    let guarded = guarded(args, item).to_string();
    let (_, rest) = guarded.split_once("body ! (").expect("the body can be replaced");
    let (_, ty) = rest.split_once('[').expect("a type in brackets");
    let (ty, _) = ty.split_once(']').expect("they end");
    assert_eq!(ty.split_whitespace().collect::<String>(), replaced, "{item}");
}

#[test]
fn only_errors_that_visibly_borrow_nothing_can_be_made_by_a_test() {
    for (output, replaced) in [
        ("Result<&str, Fault>", "Result<&str,Fault>"),
        ("io::Result<u8>", "io::Result<u8>"),
        (
            "Result<T, Box<dyn std::error::Error + Send>>",
            "Result<T,Box<dynstd::error::Error+Send>>",
        ),
        ("Option<&'a T>", "Option<&'aT>"),
        ("Answer", "Answer"),
        ("Result<u8, &'static str>", "Result<u8,&'staticstr>"),
        ("Result<u8, &'a str>", ""),
        ("Result<u8, &str>", ""),
        ("Result<u8, Cow<'_, str>>", ""),
        ("Result<u8, Own>", ""),
        ("Result<u8, E>", ""),
        ("Result<u8, Fault<S>>", ""),
        ("Result<u8, S::Error>", ""),
        ("Result<u8, Backend::Error>", ""),
        ("Result<u8, Self>", ""),
        ("Result<u8, <S as Service>::Error>", ""),
        ("io::Result<T>", ""),
        ("impl Iterator<Item = u8>", ""),
        ("u8", "u8"),
        ("(u8, u8)", ""),
    ] {
        check_replaced(&format!("fn price<'a, Own>(&'a self) -> {output} {{ body() }}"), replaced);
    }
    check_replaced("async fn price(&self) -> Result<u8, Fault> { body() }", "Result<u8,Fault>");
    check_replaced(
        "fn price() -> Pin<Box<dyn Future<Output = Result<u8, Fault>> + Send>> { body() }",
        "Result<u8,Fault>",
    );
    check_replaced("fn price(&self) -> Self::Future { body() }", "");
}
