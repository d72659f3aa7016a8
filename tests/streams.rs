//! Functions that return a stream: one stream is one call, from its first poll until it ends, fails or is dropped.

mod common;

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use breaker_runtime::testing::{Fault as Injected, isolate};
use breaker_runtime::{
    CallError, CircuitBreaker, Config, GuardedStream, Rejected, RejectedReason, Snapshot, State,
    circuit_breaker, registry,
};
use common::{assert_balanced, caught, panic_quietly};
use futures_core::Stream;
use futures_core::stream::{BoxStream, LocalBoxStream};
use tokio::time::{Instant, sleep};
use tokio_stream::{StreamExt, empty, iter, once, pending};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Refused(RejectedReason),
    Absent,
    Down,
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected.reason())
    }
}

const REFUSED: Result<u32, Fault> = Err(Fault::Refused(RejectedReason::ForcedOpen));

fn circuit(name: &str) -> Arc<CircuitBreaker> {
    registry().get(name).expect("the function is annotated")
}

fn snapshot(name: &str) -> Snapshot {
    circuit(name).snapshot()
}

/// Successes, failures, ignored and cancelled calls. With those in flight, they are all that began (R19).
#[track_caller]
fn counts(name: &str) -> [u64; 4] {
    let snapshot = snapshot(name);
    assert_balanced(&snapshot, snapshot.calls.started + snapshot.rejected.total());
    let calls = snapshot.calls;
    [calls.success, calls.failure, calls.ignored, calls.cancelled]
}

fn poll<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

async fn all<S: Stream>(stream: S) -> Vec<S::Item> {
    stream.collect().await
}

type Item = Result<u32, Fault>;

// What counts as what.

#[circuit_breaker(name = "streams.items")]
fn items(items: Vec<Item>) -> impl Stream<Item = Item> {
    iter(items)
}

#[tokio::test]
async fn a_stream_that_ends_without_an_error_is_a_success() {
    assert_eq!(all(items(vec![Ok(1), Ok(2)])).await, [Ok(1), Ok(2)]);
    assert_eq!(all(items(vec![])).await, []);
    assert_eq!(counts("streams.items"), [2, 0, 0, 0]);
}

#[circuit_breaker(name = "streams.failing", failure_threshold = 2, fallback = Ok(9))]
fn failing(good: u32) -> impl Stream<Item = Item> {
    iter((0..good).map(Ok).chain([Err(Fault::Down), Ok(7), Err(Fault::Down)]))
}

#[tokio::test]
async fn an_item_that_is_an_error_fails_the_call_at_once_and_once() {
    let mut first = pin!(failing(1));
    assert_eq!(first.next().await, Some(Ok(0)));
    assert_eq!((counts("streams.failing"), snapshot("streams.failing").in_flight), ([0; 4], 1));
    assert_eq!(first.next().await, Some(Err(Fault::Down)));
    assert_eq!(counts("streams.failing"), [0, 1, 0, 0]);
    assert_eq!(all(first).await, [Ok(7), Err(Fault::Down)]);
    assert_eq!(counts("streams.failing"), [0, 1, 0, 0]);

    assert_eq!(all(failing(0)).await.len(), 3);
    assert_eq!(snapshot("streams.failing").state, State::Open);
    assert_eq!(all(failing(0)).await, [Ok(9)]);
    assert_eq!(snapshot("streams.failing").rejected.open, 1);
}

#[circuit_breaker(name = "streams.optional")]
fn optional(items: [Option<u32>; 2]) -> impl Stream<Item = Option<u32>> {
    iter(items)
}

#[tokio::test]
async fn an_item_that_is_none_is_a_failure() {
    assert_eq!(all(optional([Some(1), Some(2)])).await, [Some(1), Some(2)]);
    assert_eq!(all(optional([Some(1), None])).await, [Some(1), None]);
    assert_eq!(counts("streams.optional"), [1, 1, 0, 0]);
    circuit("streams.optional").force_open();
    assert_eq!(all(optional([Some(1), None])).await, [None]);
}

#[circuit_breaker(name = "streams.judged", failure_if = |lag: &u32| *lag > 2, fallback = 0)]
fn judged(lags: [u32; 2]) -> impl Stream<Item = u32> {
    iter(lags)
}

#[tokio::test]
async fn failure_if_is_asked_about_each_item() {
    assert_eq!(all(judged([1, 2])).await, [1, 2]);
    assert_eq!(all(judged([1, 3])).await, [1, 3]);
    assert_eq!(counts("streams.judged"), [1, 1, 0, 0]);
}

#[circuit_breaker(name = "streams.ignoring", on_cancel = failure, ignore_if = |fault| *fault == Fault::Absent)]
fn ignoring(items: Vec<Item>) -> impl Stream<Item = Item> {
    iter(items)
}

#[tokio::test]
async fn a_stream_with_an_ignored_error_counts_as_nothing_unless_it_fails() {
    assert_eq!(all(ignoring(vec![Ok(1), Err(Fault::Absent), Ok(2)])).await.len(), 3);
    assert_eq!(counts("streams.ignoring"), [0, 0, 1, 0]);
    assert_eq!(all(ignoring(vec![Err(Fault::Absent), Err(Fault::Down)])).await.len(), 2);
    assert_eq!(counts("streams.ignoring"), [0, 1, 1, 0]);
    // The reader stops at the error.
    assert_eq!(pin!(ignoring(vec![Err(Fault::Absent)])).next().await, Some(Err(Fault::Absent)));
    assert_eq!(counts("streams.ignoring"), [0, 1, 2, 0]);
}

#[circuit_breaker(name = "streams.panics", failure_threshold = 1, failures = panics, fallback = Ok(0))]
fn panicking(panics: bool) -> impl Stream<Item = Item> {
    iter([Err(Fault::Down), Ok(1)])
        .map(move |item| if panics && item.is_ok() { panic_quietly("broken") } else { item })
}

#[tokio::test]
async fn with_failures_panics_no_item_is_a_failure_and_a_panic_is() {
    assert_eq!(all(panicking(false)).await.len(), 2);
    assert_eq!(counts("streams.panics"), [1, 0, 0, 0]);
    caught(|| {
        let mut stream = pin!(panicking(true));
        while poll(stream.as_mut()).is_ready() {}
    });
    assert_eq!(counts("streams.panics"), [1, 1, 0, 0]);
    let snapshot = snapshot("streams.panics");
    assert_eq!((snapshot.state, snapshot.calls.panicked), (State::Open, 1));
}

#[circuit_breaker(name = "streams.predicate", failure_if = |_: &u32| panic_quietly("no idea"), fallback = 0)]
fn badly_judged() -> impl Stream<Item = u32> {
    once(1)
}

#[test]
fn a_panic_in_failure_if_is_a_failure() {
    caught(|| poll(pin!(badly_judged())));
    assert_eq!(counts("streams.predicate"), [0, 1, 0, 0]);
}

// When it begins.

#[circuit_breaker(name = "streams.lazy")]
fn lazy(ran: &Cell<u32>) -> impl Stream<Item = Item> + use<> {
    ran.set(ran.get() + 1);
    once(Ok(1))
}

#[tokio::test]
async fn the_body_runs_at_the_call_and_the_circuit_is_asked_at_the_first_poll() {
    let ran = Cell::new(0);
    let stream = lazy(&ran);
    assert_eq!((ran.get(), snapshot("streams.lazy").calls.started), (1, 0));
    drop(lazy(&ran));
    assert_eq!((ran.get(), counts("streams.lazy")), (2, [0; 4]));

    circuit("streams.lazy").force_open();
    assert_eq!(all(stream).await, [REFUSED]);
    assert_eq!(snapshot("streams.lazy").rejected.forced_open, 1);
}

#[tokio::test]
async fn a_refused_stream_ends_after_its_first_item_and_stays_ended() {
    circuit("streams.refused").force_open();
    let mut stream = pin!(refused());
    assert_eq!(stream.size_hint(), (0, Some(2)));
    assert_eq!(poll(stream.as_mut()), Poll::Ready(Some(REFUSED)));
    assert_eq!(stream.size_hint(), (0, Some(0)));
    assert_eq!(poll(stream.as_mut()), Poll::Ready(None));
    assert_eq!(poll(stream.as_mut()), Poll::Ready(None));
    assert_eq!(snapshot("streams.refused").rejected.total(), 1);

    circuit("streams.refused").reset();
    let mut stream = pin!(refused());
    assert!(poll(stream.as_mut()).is_ready());
    assert_eq!(stream.size_hint(), (1, Some(1)));
}

#[circuit_breaker(name = "streams.refused")]
fn refused() -> impl Stream<Item = Item> {
    iter([Ok(1), Ok(2)])
}

// When it ends.

#[circuit_breaker(name = "streams.dropped")]
fn dropped() -> impl Stream<Item = Item> {
    once(Ok(1)).chain(pending())
}

#[test]
fn a_stream_that_is_dropped_early_is_cancelled() {
    let mut stream = Box::pin(dropped());
    assert!(poll(stream.as_mut()).is_ready());
    assert!(poll(stream.as_mut()).is_pending());
    drop(stream);
    assert_eq!(counts("streams.dropped"), [0, 0, 0, 1]);
}

#[circuit_breaker(name = "streams.must_end", on_cancel = failure)]
fn must_end() -> impl Stream<Item = Item> {
    iter([Ok(1), Ok(2)])
}

#[test]
fn with_on_cancel_failure_a_dropped_stream_is_a_failure() {
    drop(must_end());
    assert_eq!(counts("streams.must_end"), [0; 4]);
    let mut stream = Box::pin(must_end());
    assert!(poll(stream.as_mut()).is_ready());
    drop(stream);
    assert_eq!(counts("streams.must_end"), [0, 1, 0, 0]);
}

#[circuit_breaker(name = "streams.impatient", on_cancel = failure_after("80ms"))]
fn impatient() -> impl Stream<Item = Item> {
    once(Ok(1)).chain(pending())
}

#[tokio::test(start_paused = true)]
async fn with_failure_after_it_is_one_if_it_ran_for_longer() {
    for (millis, counted) in [(80, [0, 0, 0, 1]), (81, [0, 1, 0, 1])] {
        let mut stream = Box::pin(impatient());
        sleep(Duration::from_secs(1)).await;
        assert!(poll(stream.as_mut()).is_ready());
        sleep(Duration::from_millis(millis)).await;
        drop(stream);
        assert_eq!(counts("streams.impatient"), counted);
    }
}

#[circuit_breaker(name = "streams.slow", slow_call = "1s", minimum_calls = 2, fallback = 0)]
fn ticks(pause: Duration) -> impl Stream<Item = u32> {
    iter([1, 2, 3]).then(move |tick| async move {
        sleep(pause).await;
        tick
    })
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_slow_if_it_takes_too_long_as_a_whole() {
    let began = Instant::now();
    assert_eq!(all(ticks(Duration::from_millis(300))).await, [1, 2, 3]);
    assert_eq!(all(ticks(Duration::from_millis(400))).await, [1, 2, 3]);
    assert_eq!(began.elapsed(), Duration::from_millis(2100));
    let snapshot = snapshot("streams.slow");
    assert_eq!((snapshot.calls.slow, snapshot.state), (1, State::Open));
    assert_eq!(all(ticks(Duration::ZERO)).await, [0]);
}

#[circuit_breaker(
    name = "streams.probe",
    half_open_max_calls = 1,
    success_threshold = 1,
    cooldown = "10s"
)]
fn probe() -> impl Stream<Item = Item> {
    iter([Ok(1), Ok(2)])
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_a_probe_until_it_ends() {
    circuit("streams.probe").trip();
    sleep(Duration::from_secs(10)).await;
    let mut stream = pin!(probe());
    assert_eq!(stream.next().await, Some(Ok(1)));
    let full = Err(Fault::Refused(RejectedReason::HalfOpenFull));
    assert_eq!(all(probe()).await, [full]);
    assert_eq!(stream.next().await, Some(Ok(2)));
    assert_eq!(snapshot("streams.probe").state, State::HalfOpen);
    assert_eq!(stream.next().await, None);
    assert_eq!(snapshot("streams.probe").state, State::Closed);
}

// Slots and keys.

#[circuit_breaker(name = "streams.narrow", max_concurrent = 1)]
fn narrow() -> impl Stream<Item = Item> {
    iter([Ok(1), Ok(2)])
}

#[tokio::test]
async fn a_stream_holds_its_slot_until_it_ends() {
    let full = Err(Fault::Refused(RejectedReason::BulkheadFull));
    let mut first = Box::pin(narrow());
    assert_eq!(first.next().await, Some(Ok(1)));
    assert_eq!(all(narrow()).await, [full]);
    assert_eq!(first.next().await, Some(Ok(2)));
    assert_eq!(all(narrow()).await, [full]);
    assert_eq!(first.next().await, None);

    let mut second = Box::pin(narrow());
    assert_eq!(second.next().await, Some(Ok(1)));
    assert_eq!(all(narrow()).await, [full]);
    drop(second);
    assert_eq!(all(narrow()).await.len(), 2);
    assert_eq!(counts("streams.narrow"), [2, 0, 0, 1]);
}

#[circuit_breaker(name = "streams.queue", max_concurrent = 1, max_wait = "5s", fallback = 0)]
fn queued(pause: Duration) -> BoxStream<'static, u32> {
    Box::pin(once(1).then(move |it| async move {
        sleep(pause).await;
        it
    }))
}

#[tokio::test(start_paused = true)]
async fn with_max_wait_a_stream_waits_for_its_slot() {
    let began = Instant::now();
    let [one, other, late] = [3, 4, 1].map(|secs| all(queued(Duration::from_secs(secs))));
    let items = tokio::join!(one, other, late);
    assert_eq!(items, (vec![1], vec![1], vec![0]));
    assert_eq!(began.elapsed(), Duration::from_secs(7));
    assert_eq!(counts("streams.queue"), [2, 0, 0, 0]);
    assert_eq!(snapshot("streams.queue").rejected.bulkhead_full, 1);
}

#[circuit_breaker(name = "streams.hosts", key = host, failure_threshold = 1)]
fn lines(host: String) -> impl Stream<Item = Item> {
    once(if host == "kiel" { Ok(1) } else { Err(Fault::Down) })
}

#[tokio::test]
async fn each_key_has_its_own_circuit() {
    assert_eq!(all(lines("kiel".to_owned())).await, [Ok(1)]);
    assert_eq!(all(lines("bonn".to_owned())).await, [Err(Fault::Down)]);
    let open = Err(Fault::Refused(RejectedReason::Open));
    assert_eq!(all(lines("bonn".to_owned())).await, [open]);
    assert_eq!(all(lines("kiel".to_owned())).await, [Ok(1)]);
    assert_eq!(counts("streams.hosts/kiel"), [2, 0, 0, 0]);
    assert_eq!(counts("streams.hosts/bonn"), [0, 1, 0, 0]);
}

// Fallbacks.

#[circuit_breaker(name = "streams.closure", fallback = |error| {
    let CallError::Rejected(rejected) = error else { return Err(Fault::Down) };
    sleep(Duration::from_secs(1)).await;
    if names.is_empty() { Err(rejected)?; }
    Ok(u32::try_from(names.len()).unwrap_or(0))
})]
fn with_closure(names: Vec<&str>) -> impl Stream<Item = Item> {
    once(Ok(u32::from(names.is_empty())))
}

#[tokio::test(start_paused = true)]
async fn a_closure_may_await_return_early_and_use_the_arguments() {
    assert_eq!(all(with_closure(vec!["a"])).await, [Ok(0)]);
    circuit("streams.closure").force_open();
    let began = Instant::now();
    assert_eq!(all(with_closure(vec!["a", "b"])).await, [Ok(2)]);
    assert_eq!(all(with_closure(vec![])).await, [REFUSED]);
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

struct Shop {
    cached: u32,
}

impl Shop {
    #[circuit_breaker(name = "streams.path", fallback = Self::last)]
    fn prices<'a>(&'a self, skus: &'a [u32]) -> impl Stream<Item = Item> + 'a {
        iter(skus).map(|sku| Ok(*sku))
    }

    #[expect(clippy::unused_async, reason = "the fallback of a stream is async")]
    async fn last(&self, _skus: &[u32]) -> Item {
        Ok(self.cached)
    }
}

#[tokio::test]
async fn a_path_is_an_async_function_that_makes_one_item() {
    let shop = Shop { cached: 42 };
    assert_eq!(all(shop.prices(&[1, 2])).await, [Ok(1), Ok(2)]);
    circuit("streams.path").force_open();
    assert_eq!(all(shop.prices(&[1, 2])).await, [Ok(42)]);
}

#[circuit_breaker(name = "streams.unanswered", fallback = |_| Ok(7))]
fn fails() -> impl Stream<Item = Item> {
    once(Err(Fault::Down))
}

#[tokio::test]
async fn an_item_that_failed_goes_to_the_reader() {
    assert_eq!(all(fails()).await, [Err(Fault::Down)]);
}

// Forms of the return type.

type Numbers<T> = Pin<Box<dyn Stream<Item = Result<T, Fault>> + Send>>;
use self::Numbers as NumberStream;

#[circuit_breaker(name = "streams.forms")]
fn boxed() -> Pin<Box<dyn Stream<Item = Item>>> {
    Box::pin(once(Ok(1)))
}

#[circuit_breaker(name = "streams.forms")]
fn named(text: &str) -> BoxStream<'_, Item> {
    Box::pin(iter(text.chars()).map(|it| it.to_digit(10).ok_or(Fault::Absent)))
}

#[circuit_breaker(name = "streams.forms")]
fn local(shared: Rc<u32>) -> LocalBoxStream<'static, Item> {
    Box::pin(once(()).map(move |()| Ok(*shared)))
}

#[circuit_breaker(name = "streams.forms")]
fn alias() -> NumberStream<u32> {
    Box::pin(once(Ok(1)))
}

trait Feed {
    type Stream: Stream<Item = Item>;
    fn read(&self) -> Self::Stream;
}

impl Feed for Shop {
    type Stream = BoxStream<'static, Item>;

    #[circuit_breaker(name = "streams.forms")]
    fn read(&self) -> Self::Stream {
        Box::pin(once(Ok(self.cached)))
    }
}

#[circuit_breaker(name = "streams.forms")]
fn unpinned() -> impl Stream<Item = Item> + Send + Unpin {
    Box::pin(once(Ok(1)))
}

#[tokio::test]
async fn every_form_of_stream_is_guarded() {
    assert_eq!(all(boxed()).await, [Ok(1)]);
    assert_eq!(all(named("12")).await, [Ok(1), Ok(2)]);
    assert_eq!(all(local(Rc::new(3))).await, [Ok(3)]);
    assert_eq!(tokio::spawn(all(alias())).await.unwrap(), [Ok(1)]);
    assert_eq!(all(Shop { cached: 4 }.read()).await, [Ok(4)]);
    assert_eq!(unpinned().next().await, Some(Ok(1)));
    assert_eq!(counts("streams.forms"), [5, 0, 0, 1]);
    circuit("streams.forms").force_open();
    let refused = [
        all(boxed()).await,
        all(named("12")).await,
        all(local(Rc::new(3))).await,
        all(alias()).await,
        all(Shop { cached: 4 }.read()).await,
        all(unpinned()).await,
    ];
    assert!(refused.iter().all(|items| *items == [REFUSED]), "{refused:?}");
}

// Cost and exactness.

#[circuit_breaker(name = "streams.allocations", failure_threshold = 1_000_000, window = 1)]
fn cheap(is_up: bool) -> impl Stream<Item = Item> {
    once(if is_up { Ok(1) } else { Err(Fault::Down) }).chain(empty())
}

#[test]
fn a_stream_allocates_nothing() {
    let read = |is_up| {
        let mut stream = pin!(cheap(is_up));
        while let Poll::Ready(Some(_)) = poll(stream.as_mut()) {}
    };
    let allocates_nothing = |is_up| {
        (0..8).for_each(|_| read(is_up));
        assert_eq!(measure(|| (0..100).for_each(|_| read(is_up))).count_total, 0);
    };
    allocates_nothing(true);
    allocates_nothing(false);
    circuit("streams.allocations").force_open();
    allocates_nothing(true);
    assert_eq!(snapshot("streams.allocations").rejected.forced_open, 108);
}

#[circuit_breaker(name = "streams.exact", max_concurrent = 5, failure_rate = 0.9, cooldown = "3s",
    ignore_if = |fault| *fault == Fault::Absent)]
fn exact(items: [Item; 3]) -> impl Stream<Item = Item> {
    iter(items)
}

#[tokio::test(start_paused = true)]
async fn r19_streams_read_in_any_order_are_each_counted_once() {
    let mut lots = fastrand::Rng::with_seed(7);
    let (mut streams, mut asked) = (Vec::new(), 0);
    for _ in 0..5_000 {
        let kind = |lot| match lot {
            0 => Err(Fault::Down),
            1 => Err(Fault::Absent),
            _ => Ok(lot),
        };
        if streams.len() < 8 && lots.bool() {
            streams.push((Box::pin(exact([(); 3].map(|()| kind(lots.u32(..9))))), false));
        } else if !streams.is_empty() {
            let at = lots.usize(..streams.len());
            if lots.u32(..6) == 0 {
                drop(streams.swap_remove(at));
            } else {
                let (stream, began) = &mut streams[at];
                asked += u64::from(!*began);
                *began = true;
                if poll(stream.as_mut()) == Poll::Ready(None) {
                    drop(streams.swap_remove(at));
                }
            }
        }
        sleep(Duration::from_millis(lots.u64(..20))).await;
        assert_balanced(&snapshot("streams.exact"), asked);
    }
    streams.clear();
    let snapshot = snapshot("streams.exact");
    assert_balanced(&snapshot, asked);
    let calls = snapshot.calls;
    assert_eq!(snapshot.in_flight, 0);
    let all = [calls.success, calls.failure, calls.ignored, calls.cancelled];
    assert!(all.iter().all(|count| *count > 50), "{all:?}");
}

// By hand, and in isolated tests.

#[tokio::test]
async fn a_permit_by_hand_lives_in_the_stream() {
    let circuit = Arc::new(CircuitBreaker::new("hand", Config::new().max_concurrent(1)).unwrap());
    let permit = circuit.acquire_owned().await.unwrap();
    let mut stream = GuardedStream::new(permit, iter([Ok(1), Err("down")]));
    assert!(circuit.try_acquire().is_err());
    assert_eq!(stream.next().await, Some(Ok(1)));
    drop(stream);
    assert_eq!(circuit.snapshot().calls.cancelled, 1);
    assert!(circuit.try_acquire().is_ok());
}

#[circuit_breaker(name = "streams.faults", fallback = |_| Ok(0))]
fn tested() -> impl Stream<Item = Item> {
    iter([Ok(1), Ok(2)])
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_a_test_stands_in_place_of_the_items() {
    let test = isolate();
    let calls = || {
        let calls = test.circuit("streams.faults").snapshot().calls;
        [calls.success, calls.failure, calls.panicked]
    };
    test.fault("streams.faults", Injected::fail_with(|| Err(Fault::Down)).times(1));
    assert_eq!(all(tested()).await, [Err(Fault::Down)]);
    assert_eq!(calls(), [0, 1, 0]);
    test.fault("streams.faults", Injected::refuse().times(1));
    assert_eq!(all(tested()).await, [Ok(0)]);
    test.fault("streams.faults", Injected::delay(Duration::from_secs(1)).times(1));
    assert_eq!(all(tested()).await, [Ok(1), Ok(2)]);
    assert_eq!(calls(), [1, 1, 0]);
    test.fault("streams.faults", Injected::panic("broken").times(1));
    caught(|| poll(pin!(tested())));
    assert_eq!(calls(), [1, 2, 1]);
}
