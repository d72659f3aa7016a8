//! A registry in a fleet: who advises its circuits, and whom readers ask about it.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Registry;
use crate::circuit::{FleetStatus, FleetView, RwLock};
use crate::rules::Override;
use crate::settings::{ConfigErrors, Policy};

/// What connects a registry to other processes: `Fleet` of the crate `breaker-fleet`.
///
/// Its methods answer from memory. Snapshots, metrics and the dashboard call them, so they must not block.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use breaker_runtime::{
///     Advisor, ConfigErrors, FleetStatus, FleetView, Override, Policy, Registry,
/// };
///
/// #[derive(Debug)]
/// struct Alone;
///
/// impl Advisor for Alone {
///     fn status(&self) -> FleetStatus {
///         FleetStatus::default()
///     }
///     fn view(&self, _circuit: &str, _stated: Option<Policy>) -> Option<FleetView> {
///         None
///     }
///     fn order(&self, _: &str, _: Override<'_>, _: Duration, _: &str) -> Result<(), ConfigErrors> {
///         Ok(())
///     }
/// }
///
/// let own = Registry::new();
/// let advisor: Arc<dyn Advisor> = Arc::new(Alone);
/// own.attach(&advisor);
/// assert!(own.snapshot().fleet.is_some());
/// drop(advisor);
/// assert!(own.snapshot().fleet.is_none());
/// ```
pub trait Advisor: fmt::Debug + Send + Sync {
    /// The state of the connection.
    fn status(&self) -> FleetStatus;

    /// What the fleet says about a circuit, whose settings may state a policy. `None` if the circuit is not shared.
    fn view(&self, circuit: &str, stated: Option<Policy>) -> Option<FleetView>;

    /// Queues an override for all members, until the limit.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or why it cannot be sent.
    fn order(
        &self,
        circuit: &str,
        what: Override<'_>,
        limit: Duration,
        by: &str,
    ) -> Result<(), ConfigErrors>;
}

/// Who advises the circuits of a registry.
#[derive(Debug, Default)]
pub(super) struct Advised(RwLock<Option<Weak<dyn Advisor>>>);

impl Advised {
    pub(super) fn by(&self) -> Option<Arc<dyn Advisor>> {
        self.0.read().as_ref()?.upgrade()
    }

    fn set(&self, advisor: &Arc<dyn Advisor>) {
        *self.0.write() = Some(Arc::downgrade(advisor));
    }
}

/// Stands here because only registries in a fleet need it.
impl Registry {
    /// Lets snapshots and the dashboard ask `advisor` about the fleet, until it is dropped. A later one replaces it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_runtime::{Advisor, Registry};
    /// # use std::time::Duration;
    /// # use breaker_runtime::{ConfigErrors, FleetStatus, FleetView, Override, Policy};
    /// # #[derive(Debug)]
    /// # struct Alone;
    /// # impl Advisor for Alone {
    /// #     fn status(&self) -> FleetStatus {
    /// #         FleetStatus::default()
    /// #     }
    /// #     fn view(&self, _: &str, _: Option<Policy>) -> Option<FleetView> {
    /// #         None
    /// #     }
    /// #     fn order(&self, _: &str, _: Override<'_>, _: Duration, _: &str) -> Result<(), ConfigErrors> {
    /// #         Ok(())
    /// #     }
    /// # }
    ///
    /// // `Alone` is the type in the example of `Advisor`.
    /// let advisor: Arc<dyn Advisor> = Arc::new(Alone);
    /// let own = Registry::new();
    /// own.attach(&advisor);
    /// assert!(own.advisor().is_some());
    /// ```
    pub fn attach(&self, advisor: &Arc<dyn Advisor>) {
        self.around.advised.set(advisor);
    }

    /// What connects the registry to a fleet, if anything.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(breaker_runtime::Registry::new().advisor().is_none());
    /// ```
    #[must_use]
    pub fn advisor(&self) -> Option<Arc<dyn Advisor>> {
        self.around.advised.by()
    }
}
