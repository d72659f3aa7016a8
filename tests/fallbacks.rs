//! What answers in place of a call: which form, when, and with what.

// Functions that only fail, and that own more than they need, are what is tested here.
#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, clippy::unused_async)]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use breaker_runtime::{CallError, Snapshot, circuit_breaker, registry, testing};

fn snapshot(name: &str) -> Snapshot {
    registry().get(name).expect("the function is annotated").snapshot()
}

fn force_open(name: &str) {
    registry().get(name).expect("the function is annotated").force_open();
}

/// Text that counts how often it is copied.
#[derive(Debug)]
struct Counted {
    text: String,
    copies: Arc<Cell<u32>>,
}

impl Counted {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), copies: Arc::default() }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.copies.set(self.copies.get() + 1);
        Self { text: self.text.clone(), copies: Arc::clone(&self.copies) }
    }
}

/// Text that cannot be copied.
struct Unique(String);

// --- the three forms ----------------------------------------------------------------------------

fn stored(sku: &str, (region, _): (Counted, u8)) -> Result<String, String> {
    Ok(format!("stored {sku} in {}", region.text))
}

#[circuit_breaker(name = "fallbacks.path", fallback = stored)]
fn by_path(sku: &str, (region, floor): (Counted, u8)) -> Result<String, String> {
    Err(format!("{sku} {} {floor}", region.text))
}

#[test]
fn a_path_is_called_with_the_functions_own_arguments() {
    let answer = by_path("tea", (Counted::new("north"), 1));
    assert_eq!(answer.unwrap(), "stored tea in north");
    force_open("fallbacks.path");
    let answer = by_path("rice", (Counted::new("south"), 1));
    assert_eq!(answer.unwrap(), "stored rice in south");
}

async fn stored_later(sku: String) -> Result<usize, String> {
    std::future::ready(()).await;
    Ok(sku.len())
}

#[circuit_breaker(name = "fallbacks.async_path", fallback = stored_later)]
async fn by_async_path(sku: String) -> Result<usize, String> {
    Err(sku)
}

#[tokio::test]
async fn the_path_of_an_async_function_is_async() {
    assert_eq!(by_async_path("tea".into()).await, Ok(3));
}

#[circuit_breaker(name = "fallbacks.closure", failure_threshold = 1, fallback = |error| Ok(describe(&error, sku)))]
fn by_closure(sku: &str) -> Result<String, String> {
    Err(format!("no {sku}"))
}

fn describe(error: &CallError<String>, sku: &str) -> String {
    match error {
        CallError::Failed(text) => format!("{sku}: failed, {text}"),
        CallError::Rejected(rejected) => format!("{sku}: refused, {rejected}"),
        CallError::TimedOut(timed_out) => format!("{sku}: late, {timed_out}"),
    }
}

#[test]
fn a_closure_is_told_why_and_sees_the_arguments() {
    assert_eq!(by_closure("tea").unwrap(), "tea: failed, no tea");
    let refused = by_closure("tea").unwrap();
    assert!(refused.starts_with("tea: refused, circuit \"fallbacks.closure\" is open; retry in"));
}

#[circuit_breaker(name = "fallbacks.async_closure", fallback = |error| {
    let length = stored_later(sku.clone()).await?;
    if length == 0 {
        return Err("empty".into());
    }
    Ok(describe(&error, &format!("{sku}!")).len())
})]
async fn by_async_closure(sku: String) -> Result<usize, String> {
    Err(sku)
}

#[tokio::test]
async fn a_closure_of_an_async_function_may_await_and_return() {
    assert_eq!(by_async_closure("tea".into()).await, Ok("tea!: failed, tea".len()));
    assert_eq!(by_async_closure(String::new()).await, Err("empty".into()));
}

#[circuit_breaker(name = "fallbacks.annotated_closure", fallback = |_: CallError<String>| -> Result<u8, String> { Ok(2) })]
fn by_annotated_closure() -> Result<u8, String> {
    Err(String::new())
}

#[circuit_breaker(name = "fallbacks.block", fallback = { let half = n / 2; Ok(half) })]
fn by_block(n: u32) -> Result<u32, String> {
    Err(n.to_string())
}

#[circuit_breaker(name = "fallbacks.literal", fallback = "unknown", failures = panics)]
fn by_literal(known: bool) -> &'static str {
    if known { "known" } else { panic!("no idea") }
}

#[circuit_breaker(name = "fallbacks.macro", fallback = Ok(format!("{sku:>5}")))]
fn by_macro(sku: String) -> Result<String, u8> {
    drop(sku);
    Err(1)
}

#[test]
fn any_other_expression_is_evaluated_as_it_stands() {
    assert_eq!(by_annotated_closure(), Ok(2));
    assert_eq!(by_block(8), Ok(4));
    assert_eq!(by_macro("tea".into()).unwrap(), "  tea");
    assert_eq!(by_literal(true), "known");
    force_open("fallbacks.literal");
    assert_eq!(by_literal(true), "unknown");
}

// --- when it runs -------------------------------------------------------------------------------

#[circuit_breaker(name = "fallbacks.only_rejected", failure_threshold = 1, fallback = |error| Ok(error.to_string()), fallback_on = rejected)]
fn only_rejected(text: Unique) -> Result<String, String> {
    Err(text.0)
}

#[test]
fn with_fallback_on_rejected_failures_go_to_the_caller_and_nothing_is_kept() {
    assert_eq!(only_rejected(Unique("down".into())), Err("down".into()));
    assert!(only_rejected(Unique("down".into())).unwrap().contains("is open"));
}

#[circuit_breaker(name = "fallbacks.ignored", ignore_if = |error| error == "absent", fallback = Ok(0))]
fn ignored(error: &str) -> Result<u8, String> {
    Err(error.to_owned())
}

#[test]
fn ignored_errors_go_to_the_caller_untouched() {
    assert_eq!(ignored("absent"), Err("absent".into()));
    assert_eq!(ignored("down"), Ok(0));
}

#[circuit_breaker(name = "fallbacks.option", fallback = Some(9))]
fn option(some: bool) -> Option<u8> {
    some.then_some(1)
}

#[circuit_breaker(name = "fallbacks.failed_value", failure_if = |value| matches!(value, Ok(500..)), fallback = Ok(1))]
fn status(code: u16) -> Result<u16, String> {
    if code == 0 { Err("no answer".into()) } else { Ok(code) }
}

#[test]
fn failures_without_an_error_value_go_to_the_caller() {
    assert_eq!(option(false), None);
    assert_eq!(status(503), Ok(503));
    assert_eq!(snapshot("fallbacks.failed_value").calls.failure, 1);
    assert_eq!(status(0), Err("no answer".into()), "failure_if says that this is a success");
    force_open("fallbacks.option");
    assert_eq!(option(false), Some(9));
}

#[circuit_breaker(name = "fallbacks.recorded", fallback = Err("also down".into()))]
fn recorded() -> Result<(), String> {
    Err("down".into())
}

#[test]
fn d42_what_the_fallback_returns_is_not_recorded() {
    assert_eq!(recorded(), Err("also down".into()));
    assert_eq!(recorded(), Err("also down".into()));
    let calls = snapshot("fallbacks.recorded").calls;
    assert_eq!((calls.started, calls.failure), (2, 2));
}

#[circuit_breaker(name = "fallbacks.panicking", fallback = panic!("in the fallback"))]
fn panicking() -> Result<(), String> {
    Err("down".into())
}

#[test]
fn p04_a_panic_of_the_fallback_goes_on_and_the_call_is_recorded_once() {
    let payload = catch_unwind(panicking).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"in the fallback"));
    let snapshot = snapshot("fallbacks.panicking");
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked, snapshot.in_flight), (1, 0, 0));
}

#[circuit_breaker(name = "fallbacks.reentrant", failure_threshold = 1, fallback = {
    registry().reset_all();
    Ok(reentrant_state())
})]
fn reentrant() -> Result<String, String> {
    Err("down".into())
}

fn reentrant_state() -> String {
    snapshot("fallbacks.reentrant").state.to_string()
}

#[test]
fn d28_a_fallback_may_use_the_registry() {
    // It resets all circuits, and others are in use.
    let _test = testing::isolate();
    assert_eq!(reentrant(), Ok("closed".into()));
}

// --- what is kept for it ------------------------------------------------------------------------

#[circuit_breaker(name = "fallbacks.kept", fallback = |_| Ok(kept.text.len()))]
fn keeps_what_it_names(kept: Counted, unnamed: Unique) -> Result<usize, String> {
    drop(kept);
    Err(unnamed.0)
}

#[test]
fn only_arguments_that_the_fallback_names_are_kept() {
    let text = Counted::new("tea");
    let copies = Arc::clone(&text.copies);
    assert_eq!(keeps_what_it_names(text, Unique(String::new())), Ok(3));
    assert_eq!(copies.get(), 1);
}

#[test]
fn nothing_is_copied_for_a_refused_call() {
    fn refused(text: Counted) -> Result<usize, String> {
        #[circuit_breaker(name = "fallbacks.refused", fallback = |_| Ok(text.text.len()))]
        fn guarded(text: Counted) -> Result<usize, String> {
            Err(text.text)
        }
        force_open("fallbacks.refused");
        guarded(text)
    }
    let text = Counted::new("tea");
    let copies = Arc::clone(&text.copies);
    assert_eq!(refused(text), Ok(3));
    assert_eq!(copies.get(), 0);
}

#[circuit_breaker(name = "fallbacks.infallible", fallback = text.0.len(), failures = panics)]
fn cannot_fail(text: Unique) -> usize {
    text.0.len() * 10
}

#[circuit_breaker(name = "fallbacks.unit", fallback = drop(text), failures = panics)]
fn returns_nothing(text: Unique, done: &Cell<bool>) {
    drop(text);
    done.set(true);
}

#[test]
fn a_return_type_that_cannot_fail_keeps_nothing() {
    assert_eq!(cannot_fail(Unique("tea".into())), 30);
    let done = Cell::new(false);
    returns_nothing(Unique(String::new()), &done);
    assert!(done.replace(false));
    force_open("fallbacks.infallible");
    force_open("fallbacks.unit");
    assert_eq!(cannot_fail(Unique("tea".into())), 3);
    returns_nothing(Unique(String::new()), &done);
    assert!(!done.get());
}

#[circuit_breaker(name = "fallbacks.exclusive", fallback = |_| { list.push(2); Ok(list.len()) })]
fn exclusive(list: &mut Vec<u8>, mut text: String) -> Result<usize, String> {
    list.push(1);
    text.push('!');
    Err(text)
}

#[circuit_breaker(name = "fallbacks.async_exclusive", fallback = |_| { list.push(2); Ok(list.len()) })]
async fn async_exclusive(list: &mut Vec<u8>) -> Result<usize, String> {
    list.push(1);
    std::future::ready(()).await;
    Err(String::new())
}

#[tokio::test]
async fn exclusive_references_are_lent_to_the_body_and_come_back() {
    let mut list = Vec::new();
    assert_eq!(exclusive(&mut list, String::new()), Ok(2));
    assert_eq!(async_exclusive(&mut list).await, Ok(4));
    assert_eq!(list, [1, 2, 1, 2]);
}

#[derive(Clone, Default)]
struct Shop {
    asked: u32,
}

impl Shop {
    #[circuit_breaker(name = "fallbacks.shared_self", fallback = Self::guess)]
    fn price(&self, sku: &str) -> Result<u32, String> {
        Err(sku.to_owned())
    }

    fn guess(&self, sku: &str) -> Result<u32, String> {
        Ok(self.asked + sku.chars().map(|_| 1).sum::<u32>())
    }

    #[circuit_breaker(name = "fallbacks.exclusive_self", fallback = |_| { self.asked += 10; Ok(self.asked) })]
    fn ask(&mut self) -> Result<u32, String> {
        self.asked += 1;
        Err("no".into())
    }

    #[circuit_breaker(name = "fallbacks.async_exclusive_self", fallback = Self::ask_again)]
    async fn ask_later(&mut self, by: u32) -> Result<u32, String> {
        self.asked += by;
        Err("no".into())
    }

    async fn ask_again(&mut self, by: u32) -> Result<u32, String> {
        self.asked += by;
        Ok(self.asked)
    }

    #[circuit_breaker(name = "fallbacks.owned_self", fallback = Self::sold)]
    fn sell(self) -> Result<u32, String> {
        Err("no".into())
    }

    fn sold(self) -> Result<u32, String> {
        Ok(self.asked)
    }

    #[circuit_breaker(name = "fallbacks.counted_self", fallback = Self::shared)]
    async fn share(self: Arc<Self>, by: u32) -> Result<u32, String> {
        Err(format!("{by}"))
    }

    async fn shared(self: Arc<Self>, by: u32) -> Result<u32, String> {
        Ok(self.asked + by)
    }

    #[circuit_breaker(name = "fallbacks.moved_self", fallback = Ok(self.asked), fallback_on = rejected)]
    fn close(self) -> Result<u32, String> {
        let Self { asked } = self;
        Err(asked.to_string())
    }
}

#[tokio::test]
async fn every_receiver_reaches_the_fallback() {
    let mut shop = Shop { asked: 1 };
    assert_eq!(shop.price("tea"), Ok(4));
    assert_eq!(shop.ask(), Ok(12));
    assert_eq!(shop.ask_later(1).await, Ok(14));
    assert_eq!(shop.clone().sell(), Ok(14));
    assert_eq!(Arc::new(shop.clone()).share(1).await, Ok(15));
    assert_eq!(shop.clone().close(), Err("14".into()));
    force_open("fallbacks.moved_self");
    assert_eq!(shop.close(), Ok(14));
}

#[async_trait::async_trait]
trait Warehouse {
    async fn stock(&self, sku: &str, row: String) -> Result<usize, String>;
}

#[async_trait::async_trait]
impl Warehouse for Shop {
    #[circuit_breaker(name = "fallbacks.async_trait", fallback = |error| Ok(error.to_string().len() + sku.len() + row.len() + self.asked as usize))]
    async fn stock(&self, sku: &str, row: String) -> Result<usize, String> {
        Err(format!("{sku}{row}"))
    }
}

#[circuit_breaker(name = "fallbacks.returned_future", fallback = |_| Ok(text.len()))]
fn returned_future(text: String) -> impl Future<Output = Result<usize, String>> {
    std::future::ready(Err(text))
}

#[tokio::test]
async fn functions_that_return_futures_keep_what_the_fallback_names() {
    assert_eq!(Shop { asked: 1 }.stock("tea", "a1".into()).await, Ok(5 + 3 + 2 + 1));
    assert_eq!(returned_future("tea".into()).await, Ok(3));
}

#[circuit_breaker(name = "fallbacks.only_here", fallback = |_| Ok(times))]
fn named_by_the_fallback_only(times: u32) -> Result<u32, String> {
    Err(String::new())
}

#[test]
fn an_argument_that_only_the_fallback_names_is_used() {
    assert_eq!(named_by_the_fallback_only(3), Ok(3));
}

#[test]
fn d25_a_refused_call_never_runs_the_body() {
    #[circuit_breaker(name = "fallbacks.body", fallback = 0, failures = panics)]
    fn guarded(runs: &Cell<u32>) -> u32 {
        runs.set(runs.get() + 1);
        1
    }
    let runs = Cell::new(0);
    force_open("fallbacks.body");
    assert_eq!(catch_unwind(AssertUnwindSafe(|| guarded(&runs))).ok(), Some(0));
    assert_eq!(runs.get(), 0);
}

#[circuit_breaker(name = "fallbacks.block_first", fallback = match n { 1 => 2, _ => 3 } + 1, failures = panics)]
fn begins_with_a_block(n: u8) -> u8 {
    n
}

#[circuit_breaker(name = "fallbacks.bound", fallback = |_| Ok(text.len() + usize::from(whole.0) + second))]
fn bound_names(ref text: String, whole @ (_, second): (u8, usize)) -> Result<usize, String> {
    Err(format!("{text}{whole:?}{second}"))
}

#[circuit_breaker(name = "fallbacks.raw_name", fallback = Ok(format!("{type}!")))]
fn raw_name(r#type: String) -> Result<String, String> {
    Err(r#type)
}

const NOTHING: Result<u8, String> = Ok(0);

#[circuit_breaker(name = "fallbacks.constant", fallback = NOTHING)]
fn answered_by_a_constant() -> Result<u8, String> {
    Err(String::new())
}

#[test]
fn fallbacks_may_begin_with_a_block_and_name_whatever_is_bound() {
    force_open("fallbacks.block_first");
    assert_eq!(begins_with_a_block(1), 3);
    assert_eq!(bound_names("tea".into(), (4, 5)), Ok(12));
    assert_eq!(raw_name("tea".into()), Ok("tea!".into()));
    assert_eq!(answered_by_a_constant(), Ok(0));
}
