//! The key of a request.

use std::fmt::Display;

/// Takes the key from a request: any `Fn(&Request) -> impl Display`, or [`http::authority`](crate::http::authority()).
///
/// A closure returns an owned key. A function may return one that borrows from the request, which saves an allocation.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
/// use breaker_tower::CircuitBreakerLayer;
///
/// struct Job {
///     tenant: String,
/// }
///
/// fn tenant(job: &Job) -> &str {
///     &job.tenant
/// }
///
/// let layer = CircuitBreakerLayer::new("jobs", Config::new())?.key(tenant);
/// # let _ = layer;
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no key of a `{Request}`",
    label = "expected a function from `&{Request}` to something that implements `Display`",
    note = "a closure states the type of its argument, `|request: &{Request}| ..`, and returns an owned key"
)]
pub trait Key<'a, Request> {
    /// The key, which becomes a part of the circuit's name.
    type Key: Display;

    /// The key of a request.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_tower::Key;
    ///
    /// let tenant = |job: &(u32, &str)| job.0;
    /// assert_eq!(tenant.key(&(17, "report")), 17);
    /// ```
    fn key(&self, request: &'a Request) -> Self::Key;
}

impl<'a, Request: 'a, K: Display, F: Fn(&'a Request) -> K> Key<'a, Request> for F {
    type Key = K;

    fn key(&self, request: &'a Request) -> K {
        self(request)
    }
}
