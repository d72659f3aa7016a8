//! The metrics under our own names.

use super::{Family, Kind, Samples};
use crate::circuit::{FleetStatus, FleetView};
use crate::report::Snapshot;
use crate::rules::{Lease, State};
use crate::settings::Mode;

pub(super) const FAMILIES: [Family; 31] = [
    Family {
        name: "breaker_state",
        kind: Kind::Gauge,
        help: "Whether the circuit is in that state: 1 for one state, 0 for the others.",
        read: |it, out| {
            out.each(
                "state",
                State::ALL.iter().map(|state| (state.as_str(), u8::from(it.state == *state))),
            )
        },
    },
    Family {
        name: "breaker_state_age_seconds",
        kind: Kind::Gauge,
        help: "How long the circuit has been in its state.",
        read: |it, out| out.value(it.since.as_secs_f64()),
    },
    Family {
        name: "breaker_mode",
        kind: Kind::Gauge,
        help: "How the circuit is run: 1 for one mode, 0 for the others.",
        read: |it, out| {
            out.each(
                "mode",
                Mode::ALL.iter().map(|mode| (mode.as_str(), u8::from(it.mode == *mode))),
            )
        },
    },
    Family {
        name: "breaker_transitions_total",
        kind: Kind::Counter,
        help: "Changes of state.",
        read: transitions,
    },
    Family {
        name: "breaker_open_seconds_total",
        kind: Kind::Counter,
        help: "How long the circuit was open in all. Forced open is not open.",
        read: |it, out| out.value(it.open_time.as_secs_f64()),
    },
    Family {
        name: "breaker_outage_seconds",
        kind: Kind::Gauge,
        help: "How long the circuit has not been closed, all re-openings included. Only in an outage.",
        read: |it, out| out.known(it.outage.map(|outage| outage.since.as_secs_f64())),
    },
    Family {
        name: "breaker_retry_after_seconds",
        kind: Kind::Gauge,
        help: "Time until a probe may run, 0 when one is due. Only while open.",
        read: |it, out| out.known(it.retry_after.map(|left| left.as_secs_f64())),
    },
    Family {
        name: "breaker_recovering_ratio",
        kind: Kind::Gauge,
        help: "Share of calls that is let in, 0.1 to 1. Only while recovering.",
        read: |it, out| out.known(it.recovering_share),
    },
    Family {
        name: "breaker_calls_total",
        kind: Kind::Counter,
        help: "Calls that ended, by outcome.",
        read: |it, out| {
            let calls = it.calls;
            out.each(
                "outcome",
                [
                    ("success", calls.success),
                    ("failure", calls.failure),
                    ("ignored", calls.ignored),
                    ("cancelled", calls.cancelled),
                ],
            )
        },
    },
    Family {
        name: "breaker_rejected_total",
        kind: Kind::Counter,
        help: "Calls that were refused without running, by reason.",
        read: |it, out| {
            let rejected = it.rejected;
            out.each(
                "reason",
                [
                    ("open", rejected.open),
                    ("half_open_full", rejected.half_open_full),
                    ("forced_open", rejected.forced_open),
                    ("bulkhead_full", rejected.bulkhead_full),
                    ("recovering", rejected.recovering),
                ],
            )
        },
    },
    Family {
        name: "breaker_would_reject_total",
        kind: Kind::Counter,
        help: "Calls that ran only because the circuit was observed, by the reason for a refusal.",
        read: |it, out| {
            let would_reject = it.would_reject;
            out.each(
                "reason",
                [
                    ("open", would_reject.open),
                    ("half_open_full", would_reject.half_open_full),
                    ("bulkhead_full", would_reject.bulkhead_full),
                    ("recovering", would_reject.recovering),
                ],
            )
        },
    },
    Family {
        name: "breaker_call_duration_seconds",
        kind: Kind::Histogram,
        help: "How long calls took, waits for a slot of max_concurrent left out.",
        read: |it, out| {
            out.timings("success", it.timings.as_ref())?;
            out.timings("failure", it.failure_timings.as_ref())
        },
    },
    Family {
        name: "breaker_slow_calls_total",
        kind: Kind::Counter,
        help: "Recorded calls that took longer than slow_call.",
        read: |it, out| out.value(it.calls.slow),
    },
    Family {
        name: "breaker_hung_calls_total",
        kind: Kind::Counter,
        help: "Calls that were in flight for longer than hung_after, and failed by that.",
        read: |it, out| out.value(it.calls.hung),
    },
    Family {
        name: "breaker_timed_out_calls_total",
        kind: Kind::Counter,
        help: "Calls that took longer than call_timeout.",
        read: |it, out| out.value(it.calls.timed_out),
    },
    Family {
        name: "breaker_panicked_calls_total",
        kind: Kind::Counter,
        help: "Calls that panicked.",
        read: |it, out| out.value(it.calls.panicked),
    },
    Family {
        name: "breaker_late_calls_total",
        kind: Kind::Counter,
        help: "Calls whose outcome came when the circuit had moved on.",
        read: |it, out| out.value(it.calls.late),
    },
    Family {
        name: "breaker_in_flight",
        kind: Kind::Gauge,
        help: "Calls under way.",
        read: |it, out| out.value(it.in_flight),
    },
    Family {
        name: "breaker_max_concurrent",
        kind: Kind::Gauge,
        help: "How many calls may be under way at once, where that is limited.",
        read: |it, out| out.known(it.config.settings().max_concurrent),
    },
    Family {
        name: "breaker_probes_in_flight",
        kind: Kind::Gauge,
        help: "Probes under way.",
        read: |it, out| out.value(it.probes.in_flight),
    },
    Family {
        name: "breaker_window_calls",
        kind: Kind::Gauge,
        help: "Calls in the window that ratios are taken over.",
        read: |it, out| out.value(it.window_calls),
    },
    Family {
        name: "breaker_window_failures",
        kind: Kind::Gauge,
        help: "Calls in the window that failed.",
        read: |it, out| out.value(it.window_failures),
    },
    Family {
        name: "breaker_window_slow_calls",
        kind: Kind::Gauge,
        help: "Calls in the window that were slow.",
        read: |it, out| out.value(it.window_slow_calls),
    },
    Family {
        name: "breaker_minimum_calls",
        kind: Kind::Gauge,
        help: "Calls that the window must hold before a ratio is judged.",
        read: |it, out| out.value(it.config.settings().minimum_calls),
    },
    Family {
        name: "breaker_failure_ratio",
        kind: Kind::Gauge,
        help: "Share of failed calls in the window, 0 to 1. Not before minimum_calls.",
        read: |it, out| out.known(it.failure_rate),
    },
    Family {
        name: "breaker_failure_ratio_threshold",
        kind: Kind::Gauge,
        help: "Share of failed calls that opens the circuit, 0 to 1.",
        read: |it, out| out.known(it.config.settings().failure_rate),
    },
    Family {
        name: "breaker_slow_call_ratio",
        kind: Kind::Gauge,
        help: "Share of slow calls in the window, 0 to 1. Not before minimum_calls.",
        read: |it, out| out.known(it.slow_call_rate),
    },
    Family {
        name: "breaker_slow_call_ratio_threshold",
        kind: Kind::Gauge,
        help: "Share of slow calls that opens the circuit, 0 to 1.",
        read: |it, out| out.known(it.config.settings().slow_call_rate),
    },
    Family {
        name: "breaker_consecutive_failures",
        kind: Kind::Gauge,
        help: "Failures in a row. 0 unless closed or recovering.",
        read: |it, out| out.value(it.consecutive_failures),
    },
    Family {
        name: "breaker_consecutive_failures_threshold",
        kind: Kind::Gauge,
        help: "Failures in a row that open the circuit.",
        read: |it, out| out.known(it.config.settings().failure_threshold),
    },
    Family {
        name: "breaker_config_conflicts",
        kind: Kind::Gauge,
        help: "Configs stated for the name that the circuit does not go by.",
        read: |it, out| out.value(it.conflict_count),
    },
];

/// The connection to the fleet.
pub(super) const FLEET: [Family<FleetStatus>; 3] = [
    Family {
        name: "breaker_fleet_connected",
        kind: Kind::Gauge,
        help: "Whether the fleet is connected: 1 or 0. Without it, circuits act as if alone.",
        read: |it, out| out.value(u8::from(it.connected)),
    },
    Family {
        name: "breaker_fleet_members",
        kind: Kind::Gauge,
        help: "Live members of the fleet, this one included. Only while connected.",
        read: |it, out| out.known(it.connected.then_some(it.members)),
    },
    Family {
        name: "breaker_fleet_disconnects_total",
        kind: Kind::Counter,
        help: "How often the connection to the fleet was lost.",
        read: |it, out| out.value(it.disconnects),
    },
];

/// Circuits that are shared with other processes.
pub(super) const SHARED: [Family; 5] = [
    Family {
        name: "breaker_fleet_votes",
        kind: Kind::Gauge,
        help: "Members that found the dependency sick. Only while connected.",
        read: |it, out| out.known(heard(it).map(|fleet| fleet.votes)),
    },
    Family {
        name: "breaker_fleet_votes_needed",
        kind: Kind::Gauge,
        help: "Votes that open the circuit everywhere. Only while connected.",
        read: |it, out| out.known(heard(it).map(|fleet| fleet.needed)),
    },
    Family {
        name: "breaker_fleet_prober",
        kind: Kind::Gauge,
        help: "Whether this member probes for all: 1 or 0.",
        read: |it, out| {
            let is_prober = matches!(it.lease, Some(Lease::Own(_)));
            out.known(it.fleet.as_ref().map(|_| u8::from(is_prober)))
        },
    },
    Family {
        name: "breaker_fleet_settings",
        kind: Kind::Gauge,
        help: "Different settings among the members that voted. Only while connected.",
        read: |it, out| out.known(heard(it).map(|fleet| fleet.settings)),
    },
    Family {
        name: "breaker_fleet_vetoed",
        kind: Kind::Gauge,
        help: "Whether the circuit stays closed against the verdict of the fleet: 1 or 0.",
        read: |it, out| out.known(it.fleet.as_ref().map(|_| u8::from(it.vetoed.is_some()))),
    },
];

/// What the fleet says about the circuit, if it is connected.
fn heard(it: &Snapshot) -> Option<&FleetView> {
    it.fleet.as_ref().filter(|fleet| fleet.is_heard())
}

fn transitions(it: &Snapshot, out: &mut Samples<'_, '_>) -> std::fmt::Result {
    it.transition_counts.for_metrics().try_for_each(|(from, to, count)| {
        out.write(Some(format_args!(",from=\"{from}\",to=\"{to}\"")), count)
    })
}
