//! `CircuitBreakerLayer`: what is known before there is a service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::__private::config_error;
use breaker_runtime::{CallError, CircuitBreaker, Config, ConfigError, Keyed, OnCancel, registry};
use tower_layer::Layer;

use crate::answer::{BoxErrors, CallErrors, Responds};
use crate::circuits::{Named, NamedKeys, OneCircuit, PerKey, Source};
use crate::classify::ErrIsFailure;
use crate::service::CircuitBreakerService;
use crate::timing::{Timed, Untimed};

const DEFAULT_MAX_KEYS: u32 = 1024;

/// A tower [`Layer`] that guards a service with a circuit breaker.
///
/// The type parameters say where circuits come from, how results count, what callers get for a refused call, and its
/// time limit. The methods set them, so you rarely name them. [`parts`](crate::parts) has them all.
///
/// # Examples
///
/// ```
/// use std::io;
/// use breaker_runtime::{CallError, Config};
/// use breaker_tower::CircuitBreakerLayer;
/// use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut service = ServiceBuilder::new()
///     .layer(CircuitBreakerLayer::new("stock", Config::new().failure_threshold(2))?)
///     .service(service_fn(|sku: &'static str| async move { Err::<u32, _>(io::Error::other(sku)) }));
///
/// for _ in 0..2 {
///     let failed = service.ready().await?.call("apples").await.unwrap_err();
///     assert!(matches!(failed, CallError::Failed(_)));
/// }
/// let refused = service.ready().await?.call("apples").await.unwrap_err();
/// assert!(matches!(refused, CallError::Rejected(_)));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct CircuitBreakerLayer<S = Named, C = ErrIsFailure, A = CallErrors, T = Untimed> {
    source: S,
    classify: C,
    answer: A,
    timing: T,
    on_cancel: OnCancel,
}

impl CircuitBreakerLayer {
    /// A layer with the circuit of that name in the [default registry](registry()). If there is none, it is made with
    /// `config`. So metrics, the dashboard and settings from outside the code find it.
    ///
    /// Layers with one name share a circuit, also with annotated functions of that name. See
    /// [`Registry::get_or_create`](breaker_runtime::Registry::get_or_create) for whose config decides.
    ///
    /// # Errors
    ///
    /// The errors of [`Registry::get_or_create`](breaker_runtime::Registry::get_or_create). Also an error in `name` if
    /// it contains a `/`, which separates names from keys.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    /// use breaker_tower::CircuitBreakerLayer;
    ///
    /// let layer = CircuitBreakerLayer::new("inventory", Config::new().failure_rate(0.5))?;
    /// assert!(registry().get("inventory").is_some());
    /// # let _ = layer;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn new(name: &str, config: Config) -> Result<Self, ConfigError> {
        if name.contains('/') {
            return Err(config_error("name", "must not hold `/`, which separates names from keys"));
        }
        let registry = registry();
        let circuit = registry.get_or_create(name, config)?;
        Ok(Self::of(Named { circuit, registry, config }))
    }
}

impl CircuitBreakerLayer<OneCircuit> {
    /// A layer with a circuit of yours: one on another clock, in another registry, or in none.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    /// use breaker_tower::CircuitBreakerLayer;
    ///
    /// let own = Registry::new();
    /// let layer = CircuitBreakerLayer::with_circuit(own.circuit("inventory", Config::new())?);
    /// # let _ = layer;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_circuit(circuit: Arc<CircuitBreaker>) -> Self {
        Self::of(OneCircuit(circuit))
    }
}

impl<K> CircuitBreakerLayer<PerKey<K>> {
    /// A layer with circuits by key of yours. `key` is that of [`key`](CircuitBreakerLayer::key).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    /// use breaker_tower::{CircuitBreakerLayer, http};
    ///
    /// let own = Registry::new();
    /// let hosts = own.keyed("hosts", Config::new(), 64)?;
    /// let layer = CircuitBreakerLayer::with_keyed(hosts, http::authority());
    /// # let _ = layer;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_keyed(keyed: Keyed, key: K) -> Self {
        Self::of(PerKey { keyed: Ok(keyed), key })
    }
}

impl<S> CircuitBreakerLayer<S> {
    fn of(source: S) -> Self {
        Self {
            source,
            classify: ErrIsFailure,
            answer: CallErrors,
            timing: Untimed,
            on_cancel: OnCancel::Ignore,
        }
    }
}

impl<C, A, T> CircuitBreakerLayer<Named, C, A, T> {
    /// Gives each key a circuit, named `name/key`, so that one broken host does not block the others.
    ///
    /// At most 1024 keys have a circuit; see [`max_keys`](CircuitBreakerLayer::max_keys). A request whose key gets none
    /// goes through the shared circuit `name`. Evicting works as for the option `key` of `#[circuit_breaker]`.
    ///
    /// `key` is a function from `&Request` to anything that implements `Display`. A function may borrow its result from
    /// the request; a closure may not. [`http::authority`](crate::http::authority()) is ready made.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    /// use breaker_tower::CircuitBreakerLayer;
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = CircuitBreakerLayer::new("tenants", Config::new())?.key(|tenant: &u32| *tenant);
    /// let service = layer.layer(service_fn(|tenant: u32| async move { Ok::<_, std::io::Error>(tenant) }));
    /// service.oneshot(17).await?;
    /// assert!(registry().get("tenants/17").is_some());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn key<K>(self, key: K) -> CircuitBreakerLayer<NamedKeys<K>, C, A, T> {
        let Self { source, classify, answer, timing, on_cancel } = self;
        let source = NamedKeys { named: source, max_keys: DEFAULT_MAX_KEYS, key };
        CircuitBreakerLayer { source, classify, answer, timing, on_cancel }
    }
}

impl<K, C, A, T> CircuitBreakerLayer<NamedKeys<K>, C, A, T> {
    /// The maximum number of circuits by key; 1024 without it. If the name already has keys, it keeps its maximum.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if it is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    /// use breaker_tower::{CircuitBreakerLayer, http};
    ///
    /// let layer = CircuitBreakerLayer::new("api", Config::new())?.key(http::authority()).max_keys(64)?;
    /// # let _ = layer;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn max_keys(mut self, max_keys: u32) -> Result<Self, ConfigError> {
        if max_keys == 0 {
            return Err(config_error("max_keys", "must be at least 1"));
        }
        self.source.max_keys = max_keys;
        Ok(self)
    }
}

impl<S, C, A, T> CircuitBreakerLayer<S, C, A, T> {
    /// Decides how results count. Without it, an `Err` is a failure and an `Ok` a success.
    ///
    /// `classify` is a function from `&Result<Response, Error>` to [`Outcome`](breaker_runtime::Outcome), or a
    /// ready-made one: [`http::server_errors`](crate::http::server_errors),
    /// [`grpc::unavailable`](crate::grpc::unavailable). If it panics, the call failed.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Outcome};
    /// use breaker_tower::CircuitBreakerLayer;
    ///
    /// #[derive(Debug)]
    /// enum StoreError {
    ///     NotFound,
    ///     Unreachable,
    /// }
    ///
    /// let layer = CircuitBreakerLayer::new("store", Config::new())?.classify(
    ///     |result: &Result<Vec<u8>, StoreError>| match result {
    ///         Ok(_) => Outcome::Success,
    ///         Err(StoreError::NotFound) => Outcome::Ignored,
    ///         Err(StoreError::Unreachable) => Outcome::Failure,
    ///     },
    /// );
    /// # let _ = layer;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn classify<D>(self, classify: D) -> CircuitBreakerLayer<S, D, A, T> {
        let Self { source, answer, timing, on_cancel, .. } = self;
        CircuitBreakerLayer { source, classify, answer, timing, on_cancel }
    }

    /// Drops a call that takes longer. It fails with [`CallError::TimedOut`]. Needs tokio's timer.
    ///
    /// The time starts when the call is admitted, and ends with the response: reading its body is not in it. With zero,
    /// a call has to be done at its first poll.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CallError, Config};
    /// use breaker_tower::CircuitBreakerLayer;
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = CircuitBreakerLayer::new("hangs", Config::new())?
    ///     .call_timeout(Duration::from_millis(5));
    /// let service = layer.layer(service_fn(|()| std::future::pending::<Result<(), String>>()));
    /// assert!(matches!(service.oneshot(()).await, Err(CallError::TimedOut(_))));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn call_timeout(self, limit: Duration) -> CircuitBreakerLayer<S, C, A, Timed> {
        let Self { source, classify, answer, on_cancel, .. } = self;
        CircuitBreakerLayer { source, classify, answer, timing: Timed(limit), on_cancel }
    }

    /// Decides what a response future counts as that is dropped before it is done. Without it, the call is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Config, OnCancel};
    /// use breaker_tower::CircuitBreakerLayer;
    ///
    /// let layer = CircuitBreakerLayer::new("search", Config::new())?
    ///     .on_cancel(OnCancel::FailureAfter(Duration::from_millis(80)));
    /// # let _ = layer;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.on_cancel = on_cancel;
        self
    }

    /// Makes the service's error a [`BoxError`](crate::BoxError), for stacks that want one.
    ///
    /// Errors of the inner service stay as they are. The others are a [`Rejected`](breaker_runtime::Rejected) or a
    /// [`TimedOut`](breaker_runtime::TimedOut), which `downcast_ref` finds.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Rejected, registry};
    /// use breaker_tower::CircuitBreakerLayer;
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = CircuitBreakerLayer::new("mail", Config::new())?.into_box_error();
    /// registry().get("mail").ok_or("no circuit")?.force_open();
    /// let service = layer.layer(service_fn(|()| async { Ok::<_, String>(()) }));
    /// let error = service.oneshot(()).await.unwrap_err();
    /// assert!(error.is::<Rejected>());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn into_box_error(self) -> CircuitBreakerLayer<S, C, BoxErrors, T> {
        let Self { source, classify, timing, on_cancel, .. } = self;
        CircuitBreakerLayer { source, classify, answer: BoxErrors, timing, on_cancel }
    }

    /// Answers refused calls with a response, and with [`call_timeout`](CircuitBreakerLayer::call_timeout) calls that
    /// timed out, too. The service's error is then that of the inner service, so that axum takes the layer.
    ///
    /// [`http::unavailable`](crate::http::unavailable) is ready made. The response is never classified.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CallError, Config, registry};
    /// use breaker_tower::CircuitBreakerLayer;
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = CircuitBreakerLayer::new("motd", Config::new())?.respond(|refused| match refused {
    ///     CallError::Rejected(rejected) => rejected.to_string(),
    ///     CallError::TimedOut(_) => "too slow".to_owned(),
    /// });
    /// registry().get("motd").ok_or("no circuit")?.force_open();
    /// let service = layer.layer(service_fn(|()| async { Ok::<_, std::io::Error>("hi".to_owned()) }));
    /// assert_eq!(service.oneshot(()).await?, r#"circuit "motd" is forced open until it is reset"#);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn respond<Response, F>(self, respond: F) -> CircuitBreakerLayer<S, C, Responds<F>, T>
    where
        F: Fn(CallError<Infallible>) -> Response,
    {
        let Self { source, classify, timing, on_cancel, .. } = self;
        CircuitBreakerLayer { source, classify, answer: Responds(respond), timing, on_cancel }
    }
}

impl<I, S, C, A, T> Layer<I> for CircuitBreakerLayer<S, C, A, T>
where
    S: Source,
    C: Clone,
    A: Clone,
    T: Clone,
{
    type Service = CircuitBreakerService<I, S::Circuits, C, A, T>;

    fn layer(&self, inner: I) -> Self::Service {
        CircuitBreakerService::new(
            inner,
            self.source.circuits(),
            self.classify.clone(),
            self.answer.clone(),
            self.timing.clone(),
            self.on_cancel,
        )
    }
}

impl<S: Source, C, A, T: fmt::Debug> fmt::Debug for CircuitBreakerLayer<S, C, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerLayer")
            .field("circuit", &self.source.name())
            .field("timing", &self.timing)
            .field("on_cancel", &self.on_cancel)
            .finish_non_exhaustive()
    }
}
