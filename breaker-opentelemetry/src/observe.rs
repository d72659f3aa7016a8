//! Which registry is observed.

use std::sync::Arc;

use breaker_runtime::{Registry, registry};
use opentelemetry::metrics::Meter;

use crate::instruments;
use crate::source::Source;

/// Makes the instruments of the [default registry](breaker_runtime::registry()), with that meter.
///
/// Call it once, after `global::set_meter_provider`: a global meter from before does nothing. Circuits that are made
/// later are observed too. The [crate's documentation](crate) lists the metrics.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use opentelemetry::metrics::MeterProvider;
/// use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
///
/// let exporter = InMemoryMetricExporter::default();
/// let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
/// breaker_opentelemetry::observe(&provider.meter("shop"));
///
/// registry().get_or_create("payments", Config::new())?.try_acquire()?.success();
/// provider.force_flush()?;
/// let exported = exporter.get_finished_metrics()?;
/// let metrics = exported[0].scope_metrics().flat_map(|scope| scope.metrics());
/// assert!(metrics.into_iter().any(|metric| metric.name() == "breaker.calls"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn observe(meter: &Meter) {
    instruments::build(meter, &Source::new(|| registry().snapshot()));
}

/// Makes the instruments of a registry of your own, with that meter.
///
/// They keep the registry for as long as the meter provider lasts.
///
/// Two registries with circuits of the same name need meters of different names. Otherwise their points are the same
/// to OpenTelemetry, and one hides the other.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use breaker_runtime::{Config, Registry};
/// use opentelemetry::metrics::MeterProvider;
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
///
/// let tenant = Arc::new(Registry::new());
/// tenant.circuit("payments", Config::new())?;
/// let provider = SdkMeterProvider::builder().build();
/// breaker_opentelemetry::observe_registry(&provider.meter("tenant-7"), tenant);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
pub fn observe_registry(meter: &Meter, registry: Arc<Registry>) {
    instruments::build(meter, &Source::new(move || registry.snapshot()));
}
