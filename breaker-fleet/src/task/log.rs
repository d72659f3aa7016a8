//! What the log says about a fleet.

use breaker_runtime::ConfigErrors;
use tracing::{info, warn};

use crate::engine::EngineError;
use crate::fleet::Shared;

pub(super) fn connected(shared: &Shared) {
    let status = shared.status();
    info!(
        target: "breaker",
        fleet = status.namespace,
        engine = status.engine,
        members = status.members,
        "fleet is connected"
    );
}

pub(super) fn lost(shared: &Shared, error: &EngineError) {
    let status = shared.status();
    warn!(
        target: "breaker",
        fleet = status.namespace,
        engine = status.engine,
        %error,
        "fleet is not connected; circuits act as if alone"
    );
}

pub(super) fn order(shared: &Shared, circuit: &str, errors: &ConfigErrors) {
    let status = shared.status();
    warn!(
        target: "breaker",
        fleet = status.namespace,
        engine = status.engine,
        breaker.name = circuit,
        error = %errors,
        "an order for all members may be lost"
    );
}
