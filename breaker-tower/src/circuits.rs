//! Which circuit a request goes through: one for all of them, or one per key.

use std::borrow::Borrow;
use std::sync::Arc;

use breaker_runtime::{CircuitBreaker, Config, Keyed, Registry};

use crate::key::Key;

/// Where a layer gets the circuits of its services from.
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
