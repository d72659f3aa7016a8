//! Snapshots and events in the formats of other systems. Each format is a feature.

#[cfg(feature = "serde")]
mod json;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "tracing")]
mod trace;

#[cfg(feature = "prometheus")]
pub use prometheus::{MetricNames, PrometheusText};
#[cfg(feature = "tracing")]
pub use trace::trace;
