//! The types and traits that layers and services are made of. You name them to keep a service in a struct.
//!
//! A service has five parameters, in this order: the inner service, where circuits come from, how results count, what
//! callers get, and the time limit. All but the first have defaults. The traits are not meant to be implemented
//! elsewhere.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use breaker_runtime::Config;
//! use breaker_tower::http::{Authority, ServerErrors, authority, server_errors};
//! use breaker_tower::parts::{BoxErrors, ByHead, PerKey, Timed};
//! use breaker_tower::{CircuitBreakerLayer, CircuitBreakerService};
//! use tower::Layer;
//!
//! /// An HTTP client with a circuit per host.
//! struct Api<Client> {
//!     client: CircuitBreakerService<Client, PerKey<Authority>, ByHead<ServerErrors>, BoxErrors, Timed>,
//! }
//!
//! impl<Client> Api<Client> {
//!     fn new(client: Client) -> Result<Self, breaker_runtime::ConfigError> {
//!         let layer = CircuitBreakerLayer::new("api", Config::new())?
//!             .key(authority())
//!             .classify(server_errors())
//!             .into_box_error()
//!             .call_timeout(Duration::from_secs(2));
//!         Ok(Self { client: layer.layer(client) })
//!     }
//! }
//! # let _ = Api::new(()).map(|api| api.client);
//! ```

pub use crate::answer::{Answer, BoxErrors, CallErrors, Responds};
pub use crate::circuits::{Circuits, Named, NamedKeys, OneCircuit, PerKey, Source};
pub use crate::classify::ErrIsFailure;
pub use crate::responses::{ByBody, ByHead, Judge};
pub use crate::timing::{Timed, Timing, Untimed};
