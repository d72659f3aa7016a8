//! A permit that owns its circuit instead of borrowing it.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::CircuitBreaker;
use super::permit::{IfDropped, Leave, Permit};
use crate::rules::{Ending, Outcome};

/// A [`Permit`] that keeps its circuit alive, from [`CircuitBreaker::try_acquire_owned`]: for futures, streams
/// and threads that outlive the borrow.
///
/// It ends like a [`Permit`]: you settle it, or you drop it, which cancels the call. If a panic drops it, the call
/// failed.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let circuit = Arc::new(CircuitBreaker::new("payments", Config::new())?);
/// let permit = circuit.try_acquire_owned()?;
/// thread::spawn(move || permit.success()).join().unwrap();
/// assert_eq!(circuit.snapshot().calls.success, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping a permit cancels the call it was given for"]
pub struct OwnedPermit {
    circuit: Arc<CircuitBreaker>,
    /// Taken when the permit ends.
    leave: Option<Leave>,
}

impl OwnedPermit {
    pub(super) fn new(circuit: Arc<CircuitBreaker>, leave: Leave) -> Self {
        Self { circuit, leave: Some(leave) }
    }

    /// Records a success.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("payments", Config::new())?);
    /// circuit.try_acquire_owned()?.success();
    /// assert_eq!(circuit.snapshot().calls.success, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn success(self) {
        self.record(Outcome::Success);
    }

    /// Records a failure.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("payments", Config::new())?);
    /// circuit.try_acquire_owned()?.failure();
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure(self) {
        self.record(Outcome::Failure);
    }

    /// Records a failure that says how long to stay away. See [`Permit::failure_for`](crate::Permit::failure_for).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("search", Config::new())?);
    /// circuit.try_acquire_owned()?.failure_for(Duration::from_secs(120));
    /// assert_eq!(circuit.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure_for(mut self, open_for: Duration) {
        self.fail_for(open_for);
    }

    /// Records that the call says nothing about the dependency.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("payments", Config::new())?);
    /// circuit.try_acquire_owned()?.ignore();
    /// assert_eq!(circuit.snapshot().calls.ignored, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ignore(self) {
        self.record(Outcome::Ignored);
    }

    /// Records the outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("payments", Config::new())?);
    /// circuit.try_acquire_owned()?.record(Outcome::Failure);
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(mut self, outcome: Outcome) {
        self.settle(outcome.into());
    }

    pub(crate) fn circuit(&self) -> &CircuitBreaker {
        &self.circuit
    }

    #[inline]
    pub(super) fn if_dropped(&mut self, means: IfDropped) {
        if let Some(leave) = &mut self.leave {
            leave.if_dropped = means;
        }
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.leave.as_ref().is_some_and(|leave| matches!(leave.if_dropped, IfDropped::Suspended(_)))
    }

    /// Ends the permit, unless it has ended.
    #[inline]
    pub(super) fn fail_for(&mut self, open_for: Duration) {
        if let Some(permit) = self.borrow() {
            permit.failure_for(open_for);
        }
    }

    pub(super) fn settle(&mut self, ending: Ending) {
        // Field by field: taking it whole would wait for the bytes that were just written to it.
        if let Some(Leave { claim, began, .. }) = self.leave {
            self.leave = None;
            self.circuit.settle(claim, began, ending);
        }
    }

    /// The same permit, which has an end of its own.
    #[inline]
    fn borrow(&mut self) -> Option<Permit<'_>> {
        let leave = self.leave.take()?;
        Some(Permit::with(&self.circuit, leave))
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        drop(self.borrow());
    }
}
