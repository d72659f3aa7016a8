//! Handles: the way into a test for other threads and tasks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::registry::{self, Scope};

/// Lets other threads and tasks into a test, from [`Isolated::handle`](super::Isolated::handle). Clones are the same.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use std::thread;
/// use breaker_runtime::{circuit_breaker, testing};
///
/// #[circuit_breaker(name = "mailer")]
/// fn send() -> Option<()> {
///     Some(())
/// }
///
/// let test = testing::isolate();
/// test.open("mailer");
/// let handle = test.handle();
/// let sent = thread::spawn(move || {
///     let _entered = handle.enter();
///     send()
/// });
/// assert_eq!(sent.join().unwrap(), None);
/// # }
/// ```
#[derive(Clone)]
pub struct Handle(Weak<Scope>);

impl Handle {
    pub(super) fn new(scope: &Arc<Scope>) -> Self {
        Self(Arc::downgrade(scope))
    }

    /// This thread is in the test until the guard is dropped. Keep it while the thread makes calls.
    ///
    /// # Panics
    ///
    /// If the test has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use breaker_runtime::{Config, registry, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("handle.enter", Config::new())?;
    /// let handle = test.handle();
    /// let is_there = thread::spawn(move || {
    ///     let _entered = handle.enter();
    ///     registry().get("handle.enter").is_some()
    /// });
    /// assert!(is_there.join().unwrap());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use = "the thread is in the test until the guard is dropped: write `let _entered = handle.enter();`"]
    #[track_caller]
    pub fn enter(&self) -> Entered {
        Entered { _entered: registry::Entered::new(self.scope()) }
    }

    /// A future that enters the test for each poll: `tokio::spawn(handle.wrap(task()))`.
    ///
    /// Dropping it drops `future` without entering. Calls in flight still end in the test's circuits. A guarded call
    /// in a destructor uses the circuits of the thread that drops it.
    ///
    /// # Panics
    ///
    /// If the test has ended. A task that is still running then goes on with the test's circuits.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry, testing};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let test = testing::isolate();
    /// test.registry().get_or_create("handle.wrap", Config::new())?;
    /// let is_there = async { registry().get("handle.wrap").is_some() };
    /// assert!(tokio::spawn(test.handle().wrap(is_there)).await.unwrap());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn wrap<F: Future>(&self, future: F) -> Wrapped<F> {
        Wrapped { future, scope: self.scope() }
    }

    #[track_caller]
    fn scope(&self) -> Arc<Scope> {
        match self.0.upgrade().filter(|scope| !scope.is_over()) {
            Some(scope) => scope,
            None => panic!(
                "the test of this handle has ended: its guard, from `testing::isolate()`, was dropped. Keep the guard \
                 in a variable (`let test = ..`, not `let _ = ..`) until every thread is joined and every task is \
                 awaited"
            ),
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// A thread is in a test until this is dropped, from [`Handle::enter`].
///
/// # Examples
///
/// ```
/// use std::thread;
/// use breaker_runtime::testing::{self, Entered};
/// use breaker_runtime::{Config, registry};
///
/// let test = testing::isolate();
/// test.registry().get_or_create("handle.entered", Config::new())?;
/// let handle = test.handle();
/// let is_there = || registry().get("handle.entered").is_some();
/// let seen = thread::spawn(move || {
///     let entered: Entered = handle.enter();
///     let inside = is_there();
///     drop(entered);
///     (inside, is_there())
/// });
/// assert_eq!(seen.join().unwrap(), (true, false));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "the thread is in the test until this is dropped"]
pub struct Entered {
    _entered: registry::Entered,
}

pin_project! {
    /// A future that is polled in a test, from [`Handle::wrap`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{Ready, ready};
    /// use breaker_runtime::testing::{self, Wrapped};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let test = testing::isolate();
    /// let task: Wrapped<Ready<u32>> = test.handle().wrap(ready(7));
    /// assert_eq!(tokio::spawn(task).await.unwrap(), 7);
    /// # });
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct Wrapped<F> {
        #[pin]
        future: F,
        scope: Arc<Scope>,
    }
}

impl<F: Future> Future for Wrapped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = registry::Entered::new(Arc::clone(this.scope));
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for Wrapped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped").finish_non_exhaustive()
    }
}
