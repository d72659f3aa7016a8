// Every shape of function that people write, in the syntax of edition 2018, so that one file serves all
// editions. What is checked is that nothing about the function changes.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt::Display;
use std::future::Future;
use std::ops::{Index, IndexMut};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use breaker_runtime::{Rejected, circuit_breaker, registry};

#[derive(Debug, PartialEq)]
enum Fault {
    Refused,
    Down,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

impl From<std::num::ParseIntError> for Fault {
    fn from(_: std::num::ParseIntError) -> Self {
        Self::Down
    }
}

type Answer<T> = Result<T, Fault>;

/// Polls a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

fn is_send<T: Send>(value: T) -> T {
    value
}

fn failures(name: &str) -> u64 {
    registry().get(name).map_or(0, |circuit| circuit.snapshot().calls.failure)
}

// --- bodies -------------------------------------------------------------------------------------

#[circuit_breaker(name = "shapes.question_mark")]
fn question_mark(text: &str) -> Answer<u32> {
    let parsed: u32 = text.parse()?;
    Ok(parsed)
}

#[circuit_breaker(name = "shapes.early_return")]
fn early_return(fail: bool) -> Result<u32, Fault> {
    if fail {
        return Err(Fault::Down);
    }
    Ok(1)
}

#[circuit_breaker(name = "shapes.async_question_mark")]
async fn async_question_mark(text: &str) -> Answer<u32> {
    if text.is_empty() {
        return Err(Fault::Down);
    }
    let parsed: u32 = text.parse()?;
    Ok(parsed)
}

#[test]
fn d14_an_early_return_and_a_question_mark_are_recorded() {
    assert_eq!(question_mark("7"), Ok(7));
    assert_eq!(question_mark("seven"), Err(Fault::Down));
    assert_eq!(failures("shapes.question_mark"), 1);
    assert_eq!(early_return(false), Ok(1));
    assert_eq!(early_return(true), Err(Fault::Down));
    assert_eq!(failures("shapes.early_return"), 1);
    assert_eq!(now(async_question_mark("7")), Ok(7));
    assert_eq!(now(async_question_mark("")), Err(Fault::Down));
    assert_eq!(now(async_question_mark("seven")), Err(Fault::Down));
    assert_eq!(failures("shapes.async_question_mark"), 2);
}

#[circuit_breaker(name = "shapes.diverges", fallback = 0, failures = panics)]
fn diverges(flag: bool) -> u32 {
    if flag {
        panic!("on purpose")
    } else {
        loop {
            if !flag {
                break 3;
            }
        }
    }
}

#[circuit_breaker(name = "shapes.never", fallback = std::process::abort(), failures = panics)]
fn never(message: &str) -> ! {
    panic!("{}", message)
}

#[circuit_breaker(name = "shapes.inner_attributes")]
fn inner_attributes() -> Option<u32> {
    #![allow(unused_variables)]
    let unused = 1;
    Some(2)
}

#[test]
fn bodies_that_diverge_and_inner_attributes_stay_as_they_are() {
    assert_eq!(diverges(false), 3);
    assert!(std::panic::catch_unwind(|| diverges(true)).is_err());
    assert!(std::panic::catch_unwind(|| never("on purpose")).is_err());
    assert_eq!(failures("shapes.never"), 1);
    assert_eq!(inner_attributes(), Some(2));
}

#[circuit_breaker(name = "shapes.coerced")]
fn coerced(flag: bool) -> Result<Box<dyn Display>, Fault> {
    if flag {
        return Ok(Box::new(1));
    }
    Ok(Box::new("text"))
}

#[circuit_breaker(name = "shapes.async_coerced")]
async fn async_coerced(flag: bool) -> Result<Box<dyn Display + Send>, Fault> {
    if flag {
        return Ok(Box::new(1));
    }
    let parts: Vec<String> = vec!["text".into()];
    Ok(Box::new(parts.concat()))
}

#[test]
fn the_declared_type_reaches_into_the_body() {
    assert_eq!(coerced(true).unwrap().to_string(), "1");
    assert_eq!(coerced(false).unwrap().to_string(), "text");
    assert_eq!(now(async_coerced(true)).unwrap().to_string(), "1");
    assert_eq!(now(async_coerced(false)).unwrap().to_string(), "text");
}

#[circuit_breaker(name = "shapes.tail_temporary")]
fn tail_temporary(shared: Mutex<Vec<u8>>) -> Option<usize> {
    Some(shared.lock().unwrap().len())
}

#[circuit_breaker(name = "shapes.async_tail_temporary")]
async fn async_tail_temporary(shared: Mutex<Vec<u8>>) -> Option<usize> {
    Some(shared.lock().unwrap().len())
}

#[circuit_breaker(name = "shapes.reassigned")]
async fn reassigned(mut text: &str) -> Option<usize> {
    let local = String::from("longer");
    if text.is_empty() {
        text = &local;
    }
    Some(text.len())
}

#[test]
fn arguments_live_as_long_as_they_did() {
    assert_eq!(tail_temporary(Mutex::new(vec![1, 2])), Some(2));
    assert_eq!(now(async_tail_temporary(Mutex::new(vec![1, 2]))), Some(2));
    assert_eq!(now(reassigned("")), Some(6));
}

// --- arguments ----------------------------------------------------------------------------------

struct Pair {
    left: String,
    right: String,
}

#[circuit_breaker(name = "shapes.patterns")]
fn patterns(
    (a, mut b): (u32, u32),
    Pair { left, right: _ }: Pair,
    ref mut text: String,
    [first, ..]: [u8; 3],
    _: &str,
) -> Option<String> {
    b += a;
    text.push_str(&left);
    Some(format!("{b}{text}{first}"))
}

#[circuit_breaker(name = "shapes.partial_move")]
fn partial_move(pair: Pair) -> Option<(String, usize)> {
    let left = pair.left;
    Some((left, pair.right.len()))
}

#[circuit_breaker(name = "shapes.mutable")]
fn mutable(mut text: String, counter: &mut u32) -> Option<String> {
    text.push('!');
    *counter += 1;
    Some(text)
}

#[circuit_breaker(name = "shapes.configured")]
fn configured(#[cfg(not(test))] _absent: Missing, #[cfg(test)] present: u32) -> Option<u32> {
    Some(present)
}

#[circuit_breaker(name = "shapes.many")]
fn many(
    raw: r#type,
    #[allow(unused_variables)] unused: u32,
    _underscored: u32,
    callback: &dyn Fn(u32) -> u32,
    text: impl AsRef<str>,
) -> Option<usize> {
    Some(callback(raw.0) as usize + text.as_ref().len())
}

#[allow(non_camel_case_types)]
struct r#type(u32);

#[circuit_breaker(name = "shapes.raw")]
fn r#match(r#fn: u32) -> Option<u32> {
    Some(r#fn)
}

#[test]
fn arguments_may_be_any_pattern() {
    let pair = || Pair { left: "l".into(), right: "r".into() };
    assert_eq!(patterns((1, 2), pair(), "t".into(), [9, 8, 7], "x").unwrap(), "3tl9");
    assert_eq!(partial_move(pair()), Some(("l".into(), 1)));
    let mut counter = 0;
    assert_eq!(mutable("a".into(), &mut counter).unwrap(), "a!");
    assert_eq!(counter, 1);
    assert_eq!(configured(4), Some(4));
    assert_eq!(many(r#type(1), 0, 0, &|n| n + 1, "abc"), Some(5));
    assert_eq!(r#match(2), Some(2));
}

// --- drop order ---------------------------------------------------------------------------------

/// Writes its name into a shared list when it is dropped.
struct Noisy(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

fn heard(run: impl FnOnce(Noisy, Noisy, Noisy, (Noisy, Noisy))) -> Vec<&'static str> {
    let list = Rc::new(RefCell::new(Vec::new()));
    let noisy = |name| Noisy(name, list.clone());
    run(noisy("a"), noisy("b"), noisy("c"), (noisy("d"), noisy("e")));
    Rc::try_unwrap(list).ok().unwrap().into_inner()
}

fn body(a: &Noisy) -> Option<()> {
    let _local = Noisy("local", a.1.clone());
    None
}

fn bare(a: Noisy, _: Noisy, _b: Noisy, (d, _): (Noisy, Noisy)) -> Option<()> {
    let _ = &d;
    body(&a)
}

#[circuit_breaker(name = "shapes.drop_order")]
fn guarded(a: Noisy, _: Noisy, _b: Noisy, (d, _): (Noisy, Noisy)) -> Option<()> {
    let _ = &d;
    body(&a)
}

#[circuit_breaker(name = "shapes.early_drop_order")]
fn guarded_early(a: Noisy, _: Noisy, _b: Noisy, (d, _): (Noisy, Noisy)) -> Option<()> {
    let _ = &d;
    body(&a)?;
    None
}

fn bare_pairs(a: Noisy, ref b: Noisy, c @ _: Noisy, (d, e): (Noisy, Noisy)) -> Option<()> {
    let _ = (b, &c, &d, &e);
    body(&a)
}

#[circuit_breaker(name = "shapes.pairs_drop_order")]
fn guarded_pairs(a: Noisy, ref b: Noisy, c @ _: Noisy, (d, e): (Noisy, Noisy)) -> Option<()> {
    let _ = (b, &c, &d, &e);
    body(&a)
}

#[circuit_breaker(name = "shapes.early_pairs_drop_order")]
fn guarded_pairs_early(a: Noisy, ref b: Noisy, c @ _: Noisy, (d, e): (Noisy, Noisy)) -> Option<()> {
    let _ = (b, &c, &d, &e);
    body(&a)?;
    None
}

async fn bare_async(a: Noisy, _: Noisy, _b: Noisy, (d, _): (Noisy, Noisy)) -> Option<()> {
    let _ = &d;
    body(&a)
}

#[circuit_breaker(name = "shapes.async_drop_order")]
async fn guarded_async(a: Noisy, _: Noisy, _b: Noisy, (d, _): (Noisy, Noisy)) -> Option<()> {
    let _ = &d;
    body(&a)
}

#[test]
fn arguments_are_dropped_in_the_same_order() {
    let bare = heard(|a, b, c, d| assert!(bare(a, b, c, d).is_none()));
    assert_eq!(bare.len(), 6);
    assert_eq!(heard(|a, b, c, d| assert!(guarded(a, b, c, d).is_none())), bare);
    assert_eq!(heard(|a, b, c, d| assert!(guarded_early(a, b, c, d).is_none())), bare);
    let pairs = heard(|a, b, c, d| assert!(bare_pairs(a, b, c, d).is_none()));
    assert_eq!(pairs.len(), 6);
    assert_eq!(heard(|a, b, c, d| assert!(guarded_pairs(a, b, c, d).is_none())), pairs);
    assert_eq!(heard(|a, b, c, d| assert!(guarded_pairs_early(a, b, c, d).is_none())), pairs);
    let bare_async = heard(|a, b, c, d| assert!(now(bare_async(a, b, c, d)).is_none()));
    assert_eq!(heard(|a, b, c, d| assert!(now(guarded_async(a, b, c, d)).is_none())), bare_async);
}

#[circuit_breaker(name = "shapes.unbound", fallback = |_| Ok(ledger.take()))]
fn forgets(ledger: &RefCell<u32>, _: RefMut<'_, u32>) -> Answer<u32> {
    Err(Fault::Down)
}

#[circuit_breaker(name = "shapes.bound", fallback = |_| Ok(ledger.take()))]
fn remembers(ledger: &RefCell<u32>, held: RefMut<'_, u32>) -> Answer<u32> {
    assert_eq!(*held, 3);
    Err(Fault::Down)
}

#[test]
fn arguments_are_gone_before_the_fallback_runs() {
    let ledger = RefCell::new(3);
    assert_eq!(remembers(&ledger, ledger.borrow_mut()), Ok(3));
    assert_eq!(forgets(&ledger, ledger.borrow_mut()), Ok(0));
}

// --- receivers ----------------------------------------------------------------------------------

#[derive(Clone, Default)]
struct Counter {
    count: u32,
    text: String,
}

impl Counter {
    #[circuit_breaker(name = "shapes.by_reference")]
    fn by_reference(&self) -> Option<&str> {
        Some(&self.text)
    }

    #[circuit_breaker(name = "shapes.by_mutable_reference")]
    fn by_mutable_reference(&mut self) -> Result<&mut u32, Fault> {
        self.count += 1;
        Ok(&mut self.count)
    }

    #[circuit_breaker(name = "shapes.by_value")]
    fn by_value(self) -> Option<String> {
        Some(self.text)
    }

    #[circuit_breaker(name = "shapes.by_mutable_value")]
    fn by_mutable_value(mut self) -> Option<u32> {
        self.count += 1;
        Some(self.count)
    }

    #[circuit_breaker(name = "shapes.by_box")]
    fn by_box(self: Box<Self>) -> Option<u32> {
        Some(self.count)
    }

    #[circuit_breaker(name = "shapes.by_rc")]
    fn by_rc(self: &Rc<Self>) -> Option<usize> {
        Some(Rc::strong_count(self))
    }

    #[circuit_breaker(name = "shapes.by_pin")]
    fn by_pin(mut self: Pin<&mut Self>) -> Option<u32> {
        self.count += 1;
        Some(self.count)
    }

    #[circuit_breaker(name = "shapes.two_fields")]
    fn two_fields(&mut self) -> Option<(&mut u32, &mut String)> {
        Some((&mut self.count, &mut self.text))
    }

    #[circuit_breaker(name = "shapes.no_receiver")]
    fn no_receiver(count: u32) -> Result<Self, Fault> {
        Ok(Self { count, ..Self::default() })
    }

    #[circuit_breaker(name = "shapes.async_by_mutable_reference")]
    async fn async_by_mutable_reference(&mut self, by: u32) -> Result<&mut u32, Fault> {
        self.count += by;
        Ok(&mut self.count)
    }

    #[circuit_breaker(name = "shapes.async_by_value")]
    async fn async_by_value(self) -> Option<String> {
        Some(self.text)
    }

    #[circuit_breaker(name = "shapes.async_by_arc")]
    async fn async_by_arc(self: Arc<Self>) -> Option<u32> {
        Some(self.count)
    }
}

#[test]
fn every_receiver_works_and_may_lend_what_it_holds() {
    let mut counter = Counter { count: 0, text: "t".into() };
    assert_eq!(counter.by_reference(), Some("t"));
    *counter.by_mutable_reference().unwrap() += 10;
    assert_eq!(counter.count, 11);
    let (count, text) = counter.two_fields().unwrap();
    *count = 1;
    text.push('u');
    *now(counter.async_by_mutable_reference(1)).unwrap() += 10;
    assert_eq!(counter.count, 12);
    assert_eq!(Pin::new(&mut counter).by_pin(), Some(13));
    assert_eq!(Rc::new(counter.clone()).by_rc(), Some(1));
    assert_eq!(Box::new(counter.clone()).by_box(), Some(13));
    assert_eq!(counter.clone().by_mutable_value(), Some(14));
    assert_eq!(counter.clone().by_value().unwrap(), "tu");
    assert_eq!(now(counter.clone().async_by_value()).unwrap(), "tu");
    assert_eq!(now(Arc::new(counter).async_by_arc()), Some(13));
    assert_eq!(Counter::no_receiver(3).unwrap().count, 3);
}

// --- generics and lifetimes ---------------------------------------------------------------------

#[circuit_breaker(name = "shapes.generic")]
fn generic<'a, T, U, const N: usize>(
    values: &'a [T; N],
    make: impl Fn(&T) -> U,
) -> Result<(&'a T, Vec<U>), Fault>
where
    T: Display,
    U: Clone,
{
    Ok((&values[0], values.iter().map(make).collect()))
}

#[circuit_breaker(name = "shapes.hidden", fallback = Ok(Vec::new().into_iter()))]
fn hidden(numbers: &[u32]) -> Result<impl Iterator<Item = u32>, Fault> {
    if numbers.is_empty() {
        return Err(Fault::Down);
    }
    Ok(numbers.to_vec().into_iter())
}

struct Holder<T>(T);

impl<T: Clone + Display> Holder<T> {
    #[circuit_breaker(name = "shapes.of_generic_type")]
    fn get(&self) -> Result<T, Fault> {
        let copy: T = Self::copy(self);
        Ok(copy)
    }

    fn copy(&self) -> T {
        self.0.clone()
    }
}

#[test]
fn generics_lifetimes_and_hidden_types_work() {
    let (first, all) = generic(&[1, 2], |n| n * 2).unwrap();
    assert_eq!((*first, all), (1, vec![2, 4]));
    assert_eq!(hidden(&[1, 2]).unwrap().sum::<u32>(), 3);
    assert_eq!(hidden(&[]).unwrap().count(), 0);
    assert_eq!(Holder("x").get(), Ok("x"));
    assert_eq!(Holder(1).get(), Ok(1));
    let sites = registry().get("shapes.of_generic_type").unwrap().snapshot().sites.len();
    assert_eq!(sites, 1, "a generic function is one site");
}

// --- closures that are returned -----------------------------------------------------------------

struct Bucket<K> {
    hash: u64,
    key: K,
}

#[circuit_breaker(name = "shapes.returns_closure", fallback = std::process::abort(), failures = panics)]
fn get_hash<K>(entries: &[Bucket<K>]) -> impl Fn(&usize) -> u64 + '_ {
    move |&at| entries[at].hash
}

#[circuit_breaker(name = "shapes.returns_closure", fallback = std::process::abort(), failures = panics)]
fn key_to_cmp<T, K, F>(mut key: F) -> impl FnMut(&T, &T) -> std::cmp::Ordering
where
    F: FnMut(&T) -> K,
    K: Ord,
{
    move |one, other| key(one).cmp(&key(other))
}

#[circuit_breaker(name = "shapes.returns_closure", fallback = std::process::abort(), failures = panics)]
fn returns_early(flag: bool) -> impl for<'a> Fn(&'a str, Option<&'a str>) -> &'a str {
    if flag {
        return |text, other| other.unwrap_or(text);
    }
    panic!("no closure")
}

#[circuit_breaker(name = "shapes.returns_closure", fallback = std::process::abort(), failures = panics)]
#[allow(elided_lifetimes_in_paths)]
fn writes(width: usize) -> impl Fn(&mut std::fmt::Formatter, &dyn Display) -> std::fmt::Result {
    move |f, text| write!(f, "{:>1$}", text.to_string(), width)
}

#[circuit_breaker(name = "shapes.returns_closure", fallback = std::process::abort(), failures = panics)]
async fn later<T: Clone>(limit: usize) -> impl Fn(&[T]) -> &[T] {
    std::future::ready(()).await;
    move |all| &all[..limit]
}

#[circuit_breaker(name = "shapes.returns_annotated_closure")]
fn in_a_result<T>(at: usize) -> Result<impl Fn(&[T]) -> &T, Fault> {
    fn first<T>(at: usize) -> impl Fn(&[T]) -> &T {
        move |all: &[T]| &all[at]
    }
    Ok(first(at))
}

impl<K: Clone + PartialEq> Bucket<K> {
    #[circuit_breaker(name = "shapes.returns_closure", fallback = std::process::abort(), failures = panics)]
    fn is_of<'a>(&'a self, keys: &'a [K]) -> impl Fn(&Self, (&usize, &K)) -> bool + 'a {
        move |other, (&at, key)| other.hash == self.hash && keys[at] == *key
    }

    #[circuit_breaker(name = "shapes.returns_closure", fallback = std::process::abort(), failures = panics)]
    #[allow(clippy::type_complexity)]
    fn take() -> impl FnOnce(&mut Self, Box<dyn Fn(&K) -> u64>) -> Option<&K> {
        |bucket, hash| {
            bucket.hash = hash(&bucket.key);
            Some(&bucket.key)
        }
    }
}

/// Shows what it is given, through a closure.
struct Shown<F>(F);

impl<F: Fn(&mut std::fmt::Formatter<'_>, &dyn Display) -> std::fmt::Result> Display for Shown<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (self.0)(f, &1)
    }
}

#[test]
fn a_closure_that_is_returned_has_the_signature_that_is_declared() {
    let mut entries = [Bucket { hash: 7, key: "k" }, Bucket { hash: 8, key: "l" }];
    assert_eq!(get_hash(&entries)(&1), 8);
    entries.sort_by(|one, other| key_to_cmp(|bucket: &Bucket<_>| !bucket.hash)(one, other));
    assert_eq!(entries[0].hash, 8);
    assert_eq!(returns_early(true)("a", Some("b")), "b");
    assert_eq!(Shown(writes(3)).to_string(), "  1");
    assert_eq!(now(later(1))(&[1, 2]), [1]);
    assert_eq!(*in_a_result(1).unwrap()(&[1, 2]), 2);
    assert!(entries[0].is_of(&["l"])(&entries[0], (&0, &"l")));
    let take = Bucket::take();
    assert_eq!(take(&mut entries[1], Box::new(|key| key.len() as u64)), Some(&"k"));
}

// --- traits -------------------------------------------------------------------------------------

trait Store {
    type Key;

    fn key(&self) -> Self::Key;

    #[circuit_breaker(name = "shapes.default_method")]
    fn default_method(&self) -> Option<Self::Key> {
        Some(self.key())
    }

    fn required(&self, add: u32) -> Result<u32, Fault>;
}

impl Store for Counter {
    type Key = u32;

    fn key(&self) -> u32 {
        self.count
    }

    #[circuit_breaker(name = "shapes.trait_impl")]
    fn required(&self, add: u32) -> Result<u32, Fault> {
        Ok(self.key() + add)
    }
}

trait AsyncStore {
    fn fetch(&self, add: u32) -> impl Future<Output = Result<u32, Fault>> + Send;

    #[allow(async_fn_in_trait)]
    #[circuit_breaker(name = "shapes.async_default_method")]
    async fn fetch_default(&self) -> Result<u32, Fault> {
        self.fetch(1).await
    }
}

impl AsyncStore for Counter {
    #[circuit_breaker(name = "shapes.async_trait_impl")]
    async fn fetch(&self, add: u32) -> Result<u32, Fault> {
        Ok(self.count + add)
    }
}

#[async_trait::async_trait]
trait BoxedStore: Sync {
    async fn load(&self, key: &str, (a, b): (u32, u32)) -> Result<usize, Fault>;

    #[circuit_breaker(name = "shapes.boxed_default_method")]
    async fn load_default(&self, key: String) -> Result<usize, Fault> {
        self.load(&key, (1, 1)).await
    }
}

#[async_trait::async_trait]
impl BoxedStore for Counter {
    #[circuit_breaker(name = "shapes.boxed_trait_impl")]
    async fn load(&self, key: &str, (a, b): (u32, u32)) -> Result<usize, Fault> {
        if key.is_empty() {
            return Err(Fault::Down);
        }
        Ok(key.len() + a as usize + b as usize)
    }
}

#[test]
fn trait_methods_work_in_every_form() {
    let counter = Counter { count: 5, ..Counter::default() };
    assert_eq!(counter.default_method(), Some(5));
    assert_eq!(counter.required(1), Ok(6));
    assert_eq!(now(is_send(counter.fetch(2))), Ok(7));
    assert_eq!(now(counter.fetch_default()), Ok(6));
    assert_eq!(now(is_send(counter.load("ab", (1, 2)))), Ok(5));
    assert_eq!(now(is_send(counter.load("", (1, 2)))), Err(Fault::Down));
    assert_eq!(failures("shapes.boxed_trait_impl"), 1);
    assert_eq!(now(counter.load_default("abc".into())), Ok(5));
}

// --- functions that return futures --------------------------------------------------------------

#[circuit_breaker(name = "shapes.returns_future")]
fn returns_future(text: &str) -> impl Future<Output = Answer<usize>> + 'static {
    let length = text.len();
    async move { Ok(length) }
}

#[circuit_breaker(name = "shapes.returns_unpin_future")]
fn returns_unpin_future(length: usize) -> impl Future<Output = Answer<usize>> + Unpin + Send {
    std::future::ready(Ok(length))
}

#[circuit_breaker(name = "shapes.returns_boxed_future")]
fn returns_boxed_future<'a>(
    text: &'a str,
) -> Pin<Box<dyn Future<Output = Answer<usize>> + Send + 'a>> {
    if text.is_empty() {
        return Box::pin(std::future::ready(Err(Fault::Down)));
    }
    let counted = async move { Ok(text.len()) };
    Box::pin(counted)
}

type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

#[circuit_breaker(name = "shapes.returns_aliased_future")]
fn returns_aliased_future(shared: Rc<u32>) -> LocalBoxFuture<'static, Answer<u32>> {
    Box::pin(async move { Ok(*shared) })
}

#[test]
fn functions_that_return_futures_are_guarded_when_polled() {
    let future = returns_future(&String::from("abc"));
    assert_eq!(registry().get("shapes.returns_future").unwrap().snapshot().calls.started, 0);
    assert_eq!(now(future), Ok(3));
    let mut unpin = returns_unpin_future(2);
    assert_eq!(now(Pin::new(&mut unpin)), Ok(2));
    assert_eq!(now(is_send(returns_boxed_future("ab"))), Ok(2));
    assert_eq!(now(returns_boxed_future("")), Err(Fault::Down));
    assert_eq!(failures("shapes.returns_boxed_future"), 1);
    assert_eq!(now(returns_aliased_future(Rc::new(3))), Ok(3));
}

#[circuit_breaker(name = "shapes.not_send")]
async fn not_send(shared: Rc<u32>) -> Option<u32> {
    std::future::ready(()).await;
    Some(*shared)
}

#[circuit_breaker(name = "shapes.send")]
async fn send<'a>(text: &'a str, value: Box<dyn Display + Send>) -> Result<&'a str, Fault> {
    std::future::ready(()).await;
    drop(value);
    Ok(text)
}

#[test]
fn d37_a_future_is_send_when_its_body_is() {
    assert_eq!(now(not_send(Rc::new(1))), Some(1));
    assert_eq!(now(is_send(send("text", Box::new(1)))), Ok("text"));
}

// --- attributes and neighbours ------------------------------------------------------------------

#[circuit_breaker(name = "shapes.tracked")]
#[track_caller]
fn tracked<T: Display, const N: usize>(text: T, [first, _]: [u8; 2]) -> Option<(String, u8, u32)> {
    Some((text.to_string(), first, Location::caller().line()))
}

#[circuit_breaker(name = "shapes.tracked_calls", fallback = None)]
#[track_caller]
fn calls_tracked() -> Option<u32> {
    tracked::<_, 3>("x", [7, 8]).map(|(.., line)| line)
}

#[test]
fn a_body_may_call_a_function_of_any_name() {
    assert!(calls_tracked().is_some());
}

#[test]
fn track_caller_still_names_the_caller() {
    assert_eq!(tracked::<_, 3>("x", [7, 8]), Some(("x".into(), 7, line!())));
}

struct Tracker {
    line: Cell<u32>,
    items: [u32; 2],
}

impl Tracker {
    #[circuit_breaker(name = "shapes.tracked_method")]
    #[track_caller]
    fn by_reference<T: Display>(&self, text: T) -> Option<(&Self, String, u32)> {
        Some((self, text.to_string(), Location::caller().line()))
    }

    #[track_caller]
    #[circuit_breaker(name = "shapes.tracked_owner", fallback = None)]
    fn by_value(self) -> Option<(Self, u32)> {
        assert_ne!(self.items, [9, 9], "nine?");
        Some((self, Location::caller().line()))
    }

    #[cfg_attr(all(), track_caller)]
    #[circuit_breaker(name = "shapes.tracked_in_cfg_attr", fallback = |_| Ok(0), fallback_on = rejected)]
    fn expects(&mut self, found: Result<u32, Fault>) -> Result<u32, Fault> {
        self.line.set(Location::caller().line());
        found
    }
}

impl Index<usize> for Tracker {
    type Output = u32;

    #[circuit_breaker(name = "shapes.index", fallback = &0, failures = panics)]
    fn index(&self, at: usize) -> &u32 {
        self.line.set(Location::caller().line());
        &self.items[at]
    }
}

impl IndexMut<usize> for Tracker {
    #[circuit_breaker(name = "shapes.index_mut", fallback = unreachable!(), failures = panics)]
    fn index_mut(&mut self, at: usize) -> &mut u32 {
        self.line.set(Location::caller().line());
        &mut self.items[at]
    }
}

#[circuit_breaker(name = "shapes.tracked_early")]
#[cfg_attr(all(), track_caller)]
fn tracked_early(text: Option<&str>) -> Option<(usize, u32)> {
    Some((text?.len(), Location::caller().line()))
}

#[test]
fn track_caller_still_names_the_caller_of_a_method() {
    let mut tracker = Tracker { line: Cell::new(0), items: [4, 5] };
    assert_eq!(tracker.by_reference(1).unwrap().2, line!());
    assert_eq!(tracker.expects(Ok(1)), Ok(1));
    assert_eq!(tracker.line.get(), line!() - 1);
    assert_eq!(tracker.by_value().unwrap().1, line!());
    assert_eq!(tracked_early(Some("ab")), Some((2, line!())));
}

#[test]
fn an_index_still_names_the_caller_that_its_trait_tracks() {
    let mut tracker = Tracker { line: Cell::new(0), items: [4, 5] };
    assert_eq!(tracker[1], 5);
    assert_eq!(tracker.line.get(), line!() - 1);
    tracker[0] = 6;
    assert_eq!((tracker.line.get(), tracker.items), (line!() - 1, [6, 5]));
}

#[circuit_breaker(name = "shapes.instrumented")]
#[tracing::instrument(skip(secret))]
async fn instrumented_below(secret: String) -> Result<usize, Fault> {
    Ok(secret.len())
}

#[tracing::instrument(err(Debug))]
#[circuit_breaker(name = "shapes.instrumented")]
async fn instrumented_above(text: &str) -> Result<usize, Fault> {
    Ok(text.len())
}

// The upper attribute expands first, so the lower one guards what it made.
#[circuit_breaker(name = "shapes.inner")]
#[circuit_breaker(name = "shapes.outer", failure_threshold = 1)]
fn guarded_twice(fail: bool) -> Result<u32, Fault> {
    if fail { Err(Fault::Down) } else { Ok(1) }
}

#[test]
fn d35_other_attributes_work_above_and_below() {
    assert_eq!(now(instrumented_below("abc".into())), Ok(3));
    assert_eq!(now(instrumented_above("ab")), Ok(2));
    assert_eq!(guarded_twice(true), Err(Fault::Down));
    assert_eq!(guarded_twice(false), Err(Fault::Refused));
    assert_eq!((failures("shapes.outer"), failures("shapes.inner")), (1, 1));
}

#[circuit_breaker(name = "shapes.recursive")]
fn recursive(depth: u32) -> Option<u32> {
    if depth == 0 { Some(0) } else { recursive(depth - 1).map(|n| n + 1) }
}

#[circuit_breaker(name = "shapes.async_recursive")]
fn async_recursive(depth: u32) -> Pin<Box<dyn Future<Output = Option<u32>> + Send>> {
    Box::pin(async move {
        if depth == 0 { Some(0) } else { async_recursive(depth - 1).await.map(|n| n + 1) }
    })
}

#[test]
fn g06_a_function_may_call_itself() {
    assert_eq!(recursive(10), Some(10));
    assert_eq!(now(async_recursive(10)), Some(10));
    assert_eq!(registry().get("shapes.recursive").unwrap().snapshot().calls.success, 11);
}

// --- functions made by macros -------------------------------------------------------------------

macro_rules! made {
    ($(#[$attr:meta])* $vis:vis fn $name:ident($arg:ident: $in:ty) -> $out:ty, $circuit:literal, $times:expr, $body:block) => {
        $(#[$attr])*
        #[circuit_breaker(name = $circuit, failure_threshold = $times)]
        $vis fn $name($arg: $in) -> $out $body
    };
    (sum $name:ident $sum:expr) => {
        #[circuit_breaker(name = "shapes.made_sum")]
        fn $name() -> Option<u32> {
            Some($sum * 3)
        }
    };
    ($item:item) => {
        #[circuit_breaker(name = "shapes.made_item")]
        $item
    };
}

made!(
    /// Its documentation.
    #[must_use]
    fn made_function(n: u32) -> Answer<u32>, "shapes.made", 2, { Ok(n + 1) }
);
made! {
    async fn made_item(n: u32) -> Answer<u32> {
        Ok(n)
    }
}
made!(sum made_sum 1 + 1);

struct Made(u8);

macro_rules! made_method {
    ($vis:vis fn $name:ident($($args:tt)*) -> $out:ty $body:block) => {
        #[circuit_breaker(name = "shapes.made_method", fallback = Self::answer)]
        $vis fn $name($($args)*) -> $out $body
    };
}

impl Made {
    made_method!(
        fn by_reference(&self) -> Result<u8, Fault> {
            Ok(self.0)
        }
    );
    made_method!(
        fn by_exclusive_reference(&mut self) -> Result<u8, Fault> {
            self.0 += 1;
            Ok(self.0)
        }
    );

    fn answer(&self) -> Result<u8, Fault> {
        Ok(self.0)
    }
}

macro_rules! made_owned {
    ($self:ident, $body:expr) => {
        #[circuit_breaker(name = "shapes.made_owned", fallback = Self::answer)]
        fn owned($self) -> Result<u8, Fault> {
            $body
        }
    };
}

#[derive(Clone)]
struct Owned(u8);

impl Owned {
    made_owned!(self, Ok(self.0));

    fn answer(self) -> Result<u8, Fault> {
        Ok(self.0)
    }
}

#[test]
fn methods_made_by_macros_know_their_own_self() {
    assert_eq!(Made(1).by_reference(), Ok(1));
    assert_eq!(Made(1).by_exclusive_reference(), Ok(2));
    assert_eq!(Owned(3).owned(), Ok(3));
}

#[test]
fn functions_made_by_macros_keep_their_groups() {
    assert_eq!(made_function(1), Ok(2));
    assert_eq!(now(made_item(1)), Ok(1));
    assert_eq!(made_sum(), Some(6));
    let config = registry().get("shapes.made").unwrap().snapshot().config;
    assert_eq!(config.settings().failure_threshold, Some(2));
}
