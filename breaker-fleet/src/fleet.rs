//! `Fleet`: joins a registry to other processes, for as long as it is held.

mod builder;
mod order;
mod seat;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{ConfigErrors, FleetStatus, Override, Subscription};
use tokio::time::timeout;

pub use self::builder::{FleetBuilder, JoinError};
pub(crate) use self::order::{away, unsure};
use self::seat::Seat;
pub(crate) use self::seat::Shared;
use crate::engine::Engine;
#[cfg(feature = "redis")]
use crate::engine::Redis;

/// The longest that [`Fleet::leave`] waits for the engine.
const LEAVE: Duration = Duration::from_secs(1);

/// Joins the circuits of a registry to those of other processes. Dropping it leaves the fleet.
///
/// Local decides, fleet advises: no call waits for the fleet, and without it each process acts as if alone.
///
/// # Examples
///
/// ```no_run
/// use breaker_fleet::{Fleet, Policy};
///
/// # #[cfg(feature = "redis")]
/// # async fn run() -> Result<(), breaker_fleet::JoinError> {
/// let fleet = Fleet::redis("redis://127.0.0.1/")
///     .namespace("shop-production")
///     .policy("payments", Policy::Quorum)
///     .join()
///     .await?;
/// # drop(fleet);
/// # Ok(()) }
/// ```
#[must_use = "dropping it leaves the fleet"]
pub struct Fleet {
    seat: Arc<Seat>,
    _listening: Subscription,
}

impl Fleet {
    /// A fleet that meets in Redis 7 or later, or in Valkey. With feature `tls`, the address may begin with
    /// `rediss://`.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::Fleet;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let fleet = Fleet::redis("redis://127.0.0.1/").namespace("shop-production");
    /// # drop(fleet);
    /// let wrong = Fleet::redis("http://127.0.0.1/").namespace("shop-production").join().await;
    /// assert!(wrong.unwrap_err().to_string().contains("the address must be a URL"));
    /// # }
    /// ```
    #[cfg(feature = "redis")]
    pub fn redis(url: impl Into<String>) -> FleetBuilder<Redis> {
        let url = url.into();
        FleetBuilder::new("", Box::new(move |namespace| Redis::new(&url, namespace)))
    }

    /// A fleet that meets in another engine.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use breaker_runtime::Registry;
    /// use breaker_fleet::{Fleet, Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::JoinError> {
    /// # let registry = Arc::new(Registry::new());
    /// let fleet = Fleet::on(Memory::new()).registry(registry).join().await?;
    /// assert_eq!(fleet.status().engine, "memory");
    /// # Ok(()) }
    /// ```
    pub fn on<E: Engine>(engine: E) -> FleetBuilder<E> {
        FleetBuilder::new("fleet", Box::new(move |_| Ok(engine)))
    }

    /// Gives an order to all members until the limit, also to members that join later. Each member takes it as an
    /// override by `by`, so a later order on that member replaces it there. `what` is a
    /// [`Mode`](breaker_runtime::Mode), or an [`Override`] of an option. For all members, it replaces the last order
    /// about the same option, and no other.
    ///
    /// Members that do not have the circuit ignore the order.
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] if the order is wrong, has no limit or lasts for more than a day, or if the fleet is not
    /// connected. Nothing changes then.
    ///
    /// If the engine takes the order and its answer does not come, nobody knows whether it was given. The error says
    /// so: "the order may or may not have reached the fleet". Give it again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use breaker_fleet::{Fleet, Memory};
    /// use breaker_runtime::{Config, Mode, Registry, State};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Arc::new(Registry::new());
    /// let payments = registry.circuit("payments", Config::new())?;
    /// let fleet = Fleet::on(Memory::new()).registry(registry).join().await?;
    /// fleet.override_for("payments", Mode::ForcedOpen, Duration::from_secs(900), "alice").await?;
    /// while payments.state() != State::ForcedOpen {
    ///     tokio::task::yield_now().await;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the order may or may not have reached the fleet.
    pub async fn override_for<'a>(
        &self,
        circuit: &str,
        what: impl Into<Override<'a>>,
        limit: impl Into<Option<Duration>>,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        let limit = limit.into().unwrap_or(Duration::ZERO);
        let sent = self.seat.0.queue(circuit, what.into(), limit, by)?;
        match sent.await {
            Ok(told) => told,
            Err(_) => unsure("the fleet was left"),
        }
    }

    /// The state of the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use breaker_runtime::Registry;
    /// use breaker_fleet::{Fleet, Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::JoinError> {
    /// # let registry = Arc::new(Registry::new());
    /// let fleet = Fleet::on(Memory::new()).registry(registry).join().await?;
    /// let status = fleet.status();
    /// assert!(status.connected);
    /// assert_eq!(status.members, 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn status(&self) -> FleetStatus {
        self.seat.0.status()
    }

    /// Leaves the fleet, and waits until the others know, a second at most. Dropping does not wait. If the runtime
    /// ends at once, the others count this member for 15 more seconds, and its lease lasts until it expires.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_fleet::{Fleet, Memory};
    /// use breaker_runtime::Registry;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::JoinError> {
    /// let fleet = Fleet::on(Memory::new()).registry(Arc::new(Registry::new())).join().await?;
    /// // The program runs.
    /// fleet.leave().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the fleet is left as if the `Fleet` was dropped.
    pub async fn leave(self) {
        let shared = Arc::clone(&self.seat.0);
        drop(self);
        let _ = timeout(LEAVE, shared.ended.notified()).await;
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.seat.0.stop.notify_one();
    }
}
