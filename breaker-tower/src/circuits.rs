//! Which circuit a request goes through: one for all of them, or one per key.

use std::borrow::Borrow;
use std::sync::Arc;

use breaker_runtime::{CircuitBreaker, Config, Keyed, Registry};

use crate::key::Key;

/// Where a layer gets the circuits of its services from.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use breaker_tower::parts::Source;
/// use breaker_tower::{CircuitBreakerLayer, CircuitBreakerService};
/// use tower::Layer;
///
/// /// Guards the client, with one circuit or with one per key.
/// fn guarded<S: Source>(layer: &CircuitBreakerLayer<S>) -> CircuitBreakerService<Client, S::Circuits> {
///     layer.layer(Client)
/// }
///
/// struct Client;
///
/// let layer = CircuitBreakerLayer::new("api", Config::new())?;
/// let client = guarded(&layer);
/// # drop(client);
/// assert!(registry().get("api").is_some());
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
pub trait Source {
    /// The circuits of a service.
    type Circuits;

    /// Finds or makes them.
    #[doc(hidden)]
    fn circuits(&self) -> Self::Circuits;

    /// The name of the circuit, or the part of it before the key.
    #[doc(hidden)]
    fn name(&self) -> &str;
}

/// Finds the circuit of a request.
///
/// # Examples
///
/// ```
/// # use std::sync::Arc;
/// # use breaker_runtime::{CircuitBreaker, Config};
/// use breaker_tower::parts::Circuits;
/// use breaker_tower::{CircuitBreakerLayer, CircuitBreakerService};
/// use tower::{Layer, Service, ServiceExt, service_fn};
///
/// /// Takes a guarded service, whatever its circuits.
/// async fn stock<S, K>(service: CircuitBreakerService<S, K>) -> Option<u32>
/// where
///     S: Service<(), Response = u32> + Clone,
///     K: Circuits<()>,
/// {
///     service.oneshot(()).await.ok()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
/// # let circuit = Arc::new(CircuitBreaker::new("stock", Config::new())?);
/// let layer = CircuitBreakerLayer::with_circuit(circuit);
/// let service = layer.layer(service_fn(|()| async { Ok::<_, String>(7) }));
/// assert_eq!(stock(service).await, Some(7));
/// # Ok(()) }
/// ```
pub trait Circuits<Request> {
    /// A circuit, perhaps borrowed.
    #[doc(hidden)]
    type Circuit<'a>: Borrow<Arc<CircuitBreaker>>
    where
        Self: 'a;

    /// The circuit that the request goes through.
    #[doc(hidden)]
    fn circuit<'a>(&'a self, request: &Request) -> Self::Circuit<'a>;
}

/// All requests share one circuit.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use breaker_runtime::{CircuitBreaker, Config};
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::OneCircuit;
///
/// let circuit = Arc::new(CircuitBreaker::new("stock", Config::new())?);
/// let layer: CircuitBreakerLayer<OneCircuit> = CircuitBreakerLayer::with_circuit(circuit);
/// assert!(format!("{layer:?}").contains("stock"));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OneCircuit(pub(crate) Arc<CircuitBreaker>);

impl Source for OneCircuit {
    type Circuits = Self;

    fn circuits(&self) -> Self {
        self.clone()
    }

    fn name(&self) -> &str {
        self.0.name()
    }
}

impl<Request> Circuits<Request> for OneCircuit {
    type Circuit<'a> = &'a Arc<CircuitBreaker>;

    #[inline]
    fn circuit<'a>(&'a self, _: &Request) -> Self::Circuit<'a> {
        &self.0
    }
}

/// A circuit of the default registry: what [`CircuitBreakerLayer::new`](crate::CircuitBreakerLayer::new) makes.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::Named;
///
/// let layer: CircuitBreakerLayer<Named> = CircuitBreakerLayer::new("stock", Config::new())?;
/// # drop(layer);
/// assert!(registry().get("stock").is_some());
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Named {
    pub(crate) circuit: Arc<CircuitBreaker>,
    pub(crate) registry: &'static Registry,
    pub(crate) config: Config,
}

impl Source for Named {
    type Circuits = OneCircuit;

    fn circuits(&self) -> OneCircuit {
        OneCircuit(Arc::clone(&self.circuit))
    }

    fn name(&self) -> &str {
        self.circuit.name()
    }
}

/// Circuits by key in the default registry: what [`CircuitBreakerLayer::key`](crate::CircuitBreakerLayer::key) makes.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Config;
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::http::{Authority, authority};
/// use breaker_tower::parts::NamedKeys;
///
/// let layer: CircuitBreakerLayer<NamedKeys<Authority>> =
///     CircuitBreakerLayer::new("api", Config::new())?.key(authority());
/// assert!(layer.max_keys(0).is_err());
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NamedKeys<K> {
    pub(crate) named: Named,
    pub(crate) max_keys: u32,
    pub(crate) key: K,
}

impl<K: Clone> Source for NamedKeys<K> {
    type Circuits = PerKey<K>;

    fn circuits(&self) -> PerKey<K> {
        let Named { circuit, registry, config } = &self.named;
        // Name, config and bound were checked when they were given.
        let keyed = registry.keyed(circuit.name(), *config, self.max_keys);
        PerKey { keyed: keyed.map_err(|_| Arc::clone(circuit)), key: self.key.clone() }
    }

    fn name(&self) -> &str {
        self.named.name()
    }
}

/// Each key has a circuit.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Registry};
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::http::{Authority, authority};
/// use breaker_tower::parts::PerKey;
///
/// let hosts = Registry::new().keyed("hosts", Config::new(), 64)?;
/// let layer: CircuitBreakerLayer<PerKey<Authority>> = CircuitBreakerLayer::with_keyed(hosts, authority());
/// assert!(format!("{layer:?}").contains("hosts"));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PerKey<K> {
    /// Or else the circuit that all requests share.
    pub(crate) keyed: Result<Keyed, Arc<CircuitBreaker>>,
    pub(crate) key: K,
}

impl<K: Clone> Source for PerKey<K> {
    type Circuits = Self;

    fn circuits(&self) -> Self {
        self.clone()
    }

    fn name(&self) -> &str {
        match &self.keyed {
            Ok(keyed) => keyed.name(),
            Err(shared) => shared.name(),
        }
    }
}

impl<Request, K> Circuits<Request> for PerKey<K>
where
    K: for<'a> Key<'a, Request>,
{
    type Circuit<'a>
        = Arc<CircuitBreaker>
    where
        Self: 'a;

    fn circuit<'a>(&'a self, request: &Request) -> Self::Circuit<'a> {
        match &self.keyed {
            Ok(keyed) => keyed.get(self.key.key(request)),
            Err(shared) => Arc::clone(shared),
        }
    }
}
