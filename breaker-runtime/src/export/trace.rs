//! Log records of events, through the `tracing` crate.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::registry::{Event, EventKind};
use crate::rules::{Cause, State, Transition, TripKind};

/// A listener that logs every event with target `breaker`.
///
/// | event | level |
/// |---|---|
/// | a circuit opens | `WARN` |
/// | any other change of state | `INFO` |
/// | a rejected call, a late outcome, a probe that needs the fleet's lease | `DEBUG` |
/// | a config conflict, refused settings | `ERROR` |
///
/// The fields are `breaker.name`, `breaker.from`, `breaker.to`, `breaker.reason`, `breaker.failure_rate`,
/// `breaker.retry_after_ms`, `breaker.observed` and `breaker.missed` ([`Event::missed`]). Fields without a value are left
/// out. So are a `missed` of 0, and an `observed` of false.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry, trace};
///
/// let _logging = registry().subscribe(trace);
/// registry().get_or_create("payments", Config::new())?.trip();
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
pub fn trace(event: &Event) {
    let name = event.name.as_str();
    let missed = (event.missed > 0).then_some(event.missed);
    match &event.kind {
        EventKind::Transition(transition) => trace_transition(name, missed, transition),
        EventKind::Rejected { reason, retry_after } => debug!(
            target: "breaker",
            {
                breaker.name = name,
                breaker.reason = %reason,
                breaker.retry_after_ms = retry_after.map(millis),
                breaker.missed = missed
            },
            "call refused"
        ),
        EventKind::Late { outcome } => debug!(
            target: "breaker",
            {
                breaker.name = name,
                breaker.reason = outcome.map_or("cancelled", |outcome| outcome.as_str()),
                breaker.missed = missed
            },
            "outcome came late"
        ),
        EventKind::ProbeWanted => debug!(
            target: "breaker",
            { breaker.name = name, breaker.missed = missed },
            "asks the fleet to probe"
        ),
        EventKind::Reconfigured(_) => info!(
            target: "breaker",
            {
                breaker.name = name,
                breaker.reason = %event.kind,
                breaker.missed = missed
            },
            "settings changed"
        ),
        EventKind::SettingsRefused { .. } => error!(
            target: "breaker",
            {
                breaker.name = name,
                breaker.reason = %event.kind,
                breaker.missed = missed
            },
            "settings refused"
        ),
        EventKind::Conflict(conflict) => error!(
            target: "breaker",
            {
                breaker.name = name,
                breaker.reason = %conflict,
                breaker.missed = missed
            },
            "two configs for one name"
        ),
    }
}

fn trace_transition(name: &str, missed: Option<u64>, transition: &Transition) {
    let Transition { from, to, cause, retry_after, observed } = transition;
    let failure_rate = match cause {
        Cause::Tripped(reason) if reason.kind == TripKind::FailureRate => reason.share,
        _ => None,
    };
    // A record's level is part of its type.
    macro_rules! record {
        ($at:ident) => {
            $at!(
                target: "breaker",
                {
                    breaker.name = name,
                    breaker.from = from.as_str(),
                    breaker.to = to.as_str(),
                    breaker.reason = %cause,
                    breaker.failure_rate = failure_rate,
                    breaker.retry_after_ms = retry_after.map(millis),
                    breaker.observed = observed.then_some(true),
                    breaker.missed = missed
                },
                "circuit is {to}"
            )
        };
    }
    if *to == State::Open { record!(warn) } else { record!(info) }
}

fn millis(left: Duration) -> u64 {
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}
