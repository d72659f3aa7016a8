//! A call of an async function on its way in, which may have to wait.

use std::future::Future;
use std::pin::Pin;

use crate::breaker::CircuitBreaker;
use crate::bulkhead::Bulkhead;
use crate::error::Rejected;
use crate::permit::{IfDropped, Permit};
use crate::timer;

/// What a call has come to that asked for a permit.
pub type Entered<'a> = Result<Permit<'a>, Rejected>;

/// A place in the line for the bulkhead, as a future. A call that is dropped in line never started.
///
/// In a box: most calls never wait, and need not carry around what waiting takes.
pub type Line<'a> = Pin<Box<dyn Future<Output = Entered<'a>> + Send + 'a>>;

impl CircuitBreaker {
    /// Lets a call in or refuses it.
    ///
    /// # Errors
    ///
    /// The line, if it has to wait.
    pub(crate) fn enter(&self) -> Result<Entered<'_>, Line<'_>> {
        match self.bulkhead() {
            None => Ok(self.acquire_slowly(Bulkhead::try_enter, IfDropped::Panicked)),
            Some(bulkhead) => self.enter_behind(bulkhead),
        }
    }

    #[cold]
    #[inline(never)]
    fn enter_behind<'a>(&'a self, bulkhead: &'a Bulkhead) -> Result<Entered<'a>, Line<'a>> {
        if let Err(rejected) = self.check() {
            return Ok(Err(rejected));
        }
        let entered = bulkhead.try_enter();
        if entered || bulkhead.max_wait().is_zero() {
            return Ok(self.admit_behind(bulkhead, entered, IfDropped::Panicked));
        }
        Err(Box::pin(async move {
            let waits = timer::within(bulkhead.max_wait(), bulkhead.stand_in_line());
            let entered = waits.await.is_some();
            self.admit_behind(bulkhead, entered, IfDropped::Panicked)
        }))
    }
}
