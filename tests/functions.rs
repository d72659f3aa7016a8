//! What an annotated function keeps of itself: every shape of function that people write.

use breaker_runtime::{CallError, Rejected, circuit_breaker, registry};
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Debug, PartialEq)]
enum Fault {
    Refused(Rejected),
    Down,
    Absent,
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

#[circuit_breaker(name = "functions.plain", failure_threshold = 2)]
fn plain(works: bool) -> Result<u8, Fault> {
    if works { Ok(1) } else { Err(Fault::Down) }
}

#[test]
fn a_plain_function_trips_and_refuses() {
    assert_eq!(plain(true), Ok(1));
    assert_eq!(plain(false), Err(Fault::Down));
    assert_eq!(plain(false), Err(Fault::Down));
    assert!(matches!(plain(true), Err(Fault::Refused(_))));
    let snapshot = registry().get("functions.plain").unwrap().snapshot();
    assert_eq!(snapshot.calls.started, 3);
    assert_eq!(snapshot.rejected.open, 1);
}

fn cached(sku: String, n: u32) -> Result<u32, String> {
    Ok(sku.len() as u32 + n)
}

#[circuit_breaker(name = "functions.path", failure_threshold = 2, fallback = cached)]
fn by_path(sku: String, n: u32) -> Result<u32, String> {
    Err(format!("{sku} {n}"))
}

#[circuit_breaker(name = "functions.closure", failure_threshold = 2, fallback = |err| { seen(&err); Ok(sku.len() as u32) })]
fn by_closure(sku: String, n: u32) -> Result<u32, String> {
    drop(sku);
    Err(format!("{n}"))
}

fn seen(err: &CallError<String>) {
    assert!(!err.to_string().is_empty());
}

#[circuit_breaker(name = "functions.rejected", failure_threshold = 1, fallback = |err| { let _ = err.to_string(); Ok(7) }, fallback_on = rejected)]
fn only_rejected(sku: String) -> Result<u32, String> {
    Err(sku)
}

#[circuit_breaker(name = "functions.unit", fallback = ())]
fn unit(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[circuit_breaker(name = "functions.never", fallback = panic!("refused"))]
fn never(flag: bool) -> ! {
    if flag { panic!("never") } else { loop {} }
}

#[circuit_breaker(name = "functions.option")]
fn option(some: bool) -> Option<u8> {
    some.then_some(1)
}

#[circuit_breaker(name = "functions.impl", fallback = Ok(vec![1].into_iter()))]
fn hidden<'a>(xs: &'a [u32]) -> Result<impl Iterator<Item = u32> + use<'a>, String> {
    if xs.is_empty() {
        return Err("none".into());
    }
    Ok(xs.to_vec().into_iter())
}

#[circuit_breaker(name = "functions.generic", ignore_if = |e| e.contains("skip"), failure_if = |r| r.is_err())]
fn generic<T: Clone, const N: usize>(x: T) -> Result<[T; N], Box<dyn std::error::Error>>
where
    T: Copy,
{
    Ok([x; N])
}

trait Contains {
    fn contains(&self, s: &str) -> bool;
}
impl Contains for Box<dyn std::error::Error> {
    fn contains(&self, s: &str) -> bool {
        self.to_string().contains(s)
    }
}

struct Counter {
    n: u32,
}

impl Counter {
    #[circuit_breaker(name = "functions.mut", fallback = |_| { self.n += 100; Ok(()) })]
    fn bump(&mut self) -> Result<(), String> {
        self.n += 1;
        Err("no".into())
    }

    #[circuit_breaker(name = "functions.borrowed")]
    fn borrowed(&mut self, _by: u32) -> Option<&mut u32> {
        Some(&mut self.n)
    }

    #[circuit_breaker(name = "functions.owned", fallback = Self::other)]
    fn owned(self: std::sync::Arc<Self>, (a, b): (u32, u32)) -> Result<u32, String> {
        Err(format!("{a}{b}{}", self.n))
    }
    fn other(self: std::sync::Arc<Self>, (a, b): (u32, u32)) -> Result<u32, String> {
        Ok(a + b + self.n)
    }

    #[circuit_breaker(name = "functions.async.mut", fallback = |err| { drop(err); self.n += 10; self.later().await })]
    async fn bump_later(&mut self, text: String) -> Result<u32, String> {
        self.n += 1;
        Err(text)
    }
    async fn later(&self) -> Result<u32, String> {
        Ok(self.n)
    }

    #[circuit_breaker(name = "functions.future")]
    fn future(&self, x: u32) -> impl Future<Output = Result<u32, Box<dyn std::error::Error>>> {
        let n = self.n;
        async move { Ok(n + x) }
    }

    #[circuit_breaker(name = "functions.boxed", fallback = |_| Ok(0))]
    fn boxed<'a>(
        &'a self,
        x: String,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, String>> + Send + 'a>> {
        Box::pin(async move {
            if x.is_empty() {
                return Ok(1);
            }
            Err(x)
        })
    }
}

#[circuit_breaker(name = "functions.async", fallback = fetched)]
async fn fetch(sku: &str) -> Result<usize, String> {
    if sku == "x" {
        Err("x".into())
    } else {
        Ok(sku.len())
    }
}
async fn fetched(sku: &str) -> Result<usize, String> {
    Ok(sku.len() * 100)
}

#[track_caller]
#[circuit_breaker(name = "functions.tracked")]
fn tracked<T>(_x: T) -> Option<u32> {
    Some(std::panic::Location::caller().line())
}

const LIMIT: u32 = 3;
#[circuit_breaker(name = "functions.const", failure_threshold = LIMIT, cooldown = std::time::Duration::from_secs(5))]
fn constant() -> Option<()> {
    None
}

#[test]
fn all_shapes_work() {
    assert_eq!(by_path("abc".into(), 1), Ok(4));
    assert_eq!(by_closure("abc".into(), 1), Ok(3));
    assert_eq!(only_rejected("abc".into()), Err("abc".into()));
    assert_eq!(only_rejected("abc".into()), Ok(7));
    let c = AtomicU32::new(0);
    unit(&c);
    assert_eq!(c.load(Ordering::Relaxed), 1);
    assert!(std::panic::catch_unwind(|| never(true)).is_err());
    assert_eq!(option(true), Some(1));
    assert_eq!(hidden(&[]).unwrap().collect::<Vec<_>>(), [1]);
    assert_eq!(generic::<_, 2>(3).unwrap(), [3, 3]);
    let mut counter = Counter { n: 0 };
    assert_eq!(counter.bump(), Ok(()));
    assert_eq!(counter.n, 101);
    *counter.borrowed(1).unwrap() = 5;
    assert_eq!(counter.n, 5);
    assert_eq!(std::sync::Arc::new(Counter { n: 1 }).owned((1, 2)), Ok(4));
    assert_eq!(tracked("x"), Some(line!()));
    assert_eq!(constant(), None);
    assert_eq!(
        registry()
            .get("functions.const")
            .unwrap()
            .snapshot()
            .config
            .settings()
            .failure_threshold,
        Some(3)
    );
}

#[tokio::test]
async fn all_async_shapes_work() {
    assert_eq!(fetch("x").await, Ok(100));
    let mut counter = Counter { n: 0 };
    assert_eq!(counter.bump_later("x".into()).await, Ok(11));
    assert_eq!(counter.future(1).await.unwrap(), 12);
    assert_eq!(counter.boxed("x".into()).await, Ok(0));
    fn is_send<T: Send>(t: T) -> T {
        t
    }
    assert_eq!(is_send(counter.boxed("".into())).await, Ok(1));
    is_send(fetch("y")).await.unwrap();
}
