//! The table of a registry's circuits, for terminals.

use std::fmt;

use unicode_width::UnicodeWidthStr as _;

use super::label::Visible;
use super::{RegistrySnapshot, Snapshot};
use crate::circuit::FleetStatus;
use crate::rules::{State, plural};
use crate::settings::{Mode, Readable};

/// The cells of a row, in the order of the headings.
type Row<T> = [T; 8];

const HEADINGS: Row<&str> =
    ["NAME", "STATE", "CALLS", "FAILED", "REJECTED", "IN FLIGHT", "FAIL RATE", "PROBES IN"];
/// Used if the names need the room.
const SHORT_HEADINGS: Row<&str> =
    ["NAME", "STATE", "CALLS", "FAILED", "REJECTED", "FLIGHT", "RATE", "PROBES"];
const NAME: usize = 0;
const STATE: usize = 1;
const GAP: usize = 2;
/// The default width in columns.
const TERMINAL: usize = 80;
/// The shortest that a name is cut to.
const SHORTEST_NAME: usize = 8;

impl fmt::Display for RegistrySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut circuits: Vec<_> = self.circuits.iter().collect();
        circuits.sort_by_key(|circuit| rank(circuit));
        let mut rows: Vec<_> = circuits.iter().copied().map(cells).collect();
        let mut headings = HEADINGS;
        let room = f.width().unwrap_or(TERMINAL);
        if width(&widths(&headings, &rows)) > room {
            headings = SHORT_HEADINGS;
            rows = circuits.iter().copied().map(short_cells).collect();
            let excess = width(&widths(&headings, &rows)).saturating_sub(room);
            let longest = widths(&headings, &rows)[NAME].saturating_sub(excess);
            for (row, circuit) in rows.iter_mut().zip(&circuits) {
                row[NAME] = Visible::new(&circuit.name).within(longest.max(SHORTEST_NAME));
            }
        }
        let widths = widths(&headings, &rows);
        write_row(f, &headings, &widths, None)?;
        for (row, circuit) in rows.iter().zip(circuits) {
            writeln!(f)?;
            let color = f.alternate().then(|| color(circuit.state));
            write_row(f, &row.each_ref().map(String::as_str), &widths, color)?;
        }
        match &self.fleet {
            Some(fleet) => write!(f, "\n{}", Visible::new(&fleet_line(fleet)).within(room)),
            None => Ok(()),
        }
    }
}

/// The connection to the fleet.
fn fleet_line(fleet: &FleetStatus) -> String {
    let FleetStatus { namespace, members, .. } = fleet;
    if fleet.connected {
        return format!("fleet {namespace}: {members} {}", plural(*members, "member"));
    }
    let since = Readable(fleet.since);
    let why = fleet.why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
    format!("fleet {namespace}: not connected for {since}{why}")
}

/// The sort key: worst circuits first.
fn rank(circuit: &Snapshot) -> u8 {
    match circuit.state {
        State::ForcedOpen => 0,
        State::Open => 1,
        State::HalfOpen => 2,
        State::Disabled => 3,
        State::Closed if circuit.consecutive_failures > 0 || circuit.window_failures > 0 => 4,
        State::Closed => 5,
    }
}

/// The state, with that mark if the circuit is only observed.
fn state(circuit: &Snapshot, mark: &str) -> String {
    let mark = if circuit.mode == Mode::Observe { mark } else { "" };
    format!("{}{mark}", circuit.state)
}

fn cells(circuit: &Snapshot) -> Row<String> {
    let probes_in = match circuit.retry_after {
        Some(left) if left.is_zero() => "now".to_owned(),
        Some(left) => Readable(left).to_string(),
        None => "-".to_owned(),
    };
    [
        Visible::new(&circuit.name).within(usize::MAX),
        state(circuit, " (observed)"),
        circuit.calls.started.to_string(),
        circuit.calls.failure.to_string(),
        circuit.rejected.total().to_string(),
        circuit.in_flight.to_string(),
        circuit.failure_rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.0}%", rate * 100.0)),
        probes_in,
    ]
}

/// The cells of a row, abbreviated to the width of the short headings.
fn short_cells(circuit: &Snapshot) -> Row<String> {
    let [name, .., rate, probes_in] = cells(circuit);
    let [_, _, calls, failed, rejected, flight, ..] = SHORT_HEADINGS.map(str::len);
    [
        name,
        state(circuit, "*"),
        short_count(circuit.calls.started, calls),
        short_count(circuit.calls.failure, failed),
        short_count(circuit.rejected.total(), rejected),
        short_count(circuit.in_flight, flight),
        rate,
        short_duration(&probes_in),
    ]
}

/// The number, abbreviated with a unit if it has more than `digits` digits.
fn short_count(count: u64, digits: usize) -> String {
    let whole = count.to_string();
    if whole.len() <= digits {
        return whole;
    }
    let thousands = (whole.len() - 1) / 3;
    let (leading, rest) = whole.split_at(whole.len() - 3 * thousands);
    let unit = ["", "k", "M", "G", "T", "P", "E"][thousands];
    match leading.len() {
        1 => format!("{leading}.{}{unit}", &rest[..1]),
        _ => format!("{leading}{unit}"),
    }
}

/// The greatest units of the duration, as many as fit into a narrow column.
fn short_duration(duration: &str) -> String {
    const LONGEST: usize = 7;
    let ends = duration.match_indices(' ').map(|(end, _)| end).chain([duration.len()]);
    let end = ends.clone().take_while(|end| *end <= LONGEST).last();
    duration[..end.or_else(|| ends.min()).unwrap_or_default()].to_owned()
}

fn widths(headings: &Row<&str>, rows: &[Row<String>]) -> Row<usize> {
    std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([headings[column].len()]).max().unwrap_or_default()
    })
}

/// The width of a whole line.
fn width(widths: &Row<usize>) -> usize {
    widths.iter().sum::<usize>() + GAP * (widths.len() - 1)
}

/// The color as a parameter of ANSI's "select graphic rendition".
fn color(state: State) -> &'static str {
    match state {
        State::Closed => "32",
        State::Open => "1;31",
        State::HalfOpen => "33",
        State::ForcedOpen => "1;35",
        State::Disabled => "36",
    }
}

/// Text is aligned to the left, numbers to the right.
fn write_row(
    f: &mut fmt::Formatter<'_>,
    cells: &Row<&str>,
    widths: &Row<usize>,
    color: Option<&str>,
) -> fmt::Result {
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let gap = if column == NAME { 0 } else { GAP };
        let padding = width - cell.width();
        match (column, color) {
            (NAME, _) | (STATE, None) => write!(f, "{:gap$}{cell}{:padding$}", "", "")?,
            (STATE, Some(color)) => {
                write!(f, "{:gap$}\x1b[{color}m{cell}\x1b[0m{:padding$}", "", "")?;
            }
            _ => write!(f, "{:gap$}{:padding$}{cell}", "", "")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_number_is_cut_when_it_is_wider_than_its_heading() {
        assert_eq!(short_count(99_999, 5), "99999");
        assert_eq!(short_count(100_000, 5), "100k");
        assert_eq!(short_count(1_290_000, 5), "1.2M");
        assert_eq!(short_count(12_900_000, 8), "12900000");
        assert_eq!(short_count(u64::MAX, 8), "18E");
    }

    #[test]
    fn a_duration_is_cut_to_its_greatest_units() {
        let short = |seconds| short_duration(&Readable(Duration::from_secs(seconds)).to_string());
        assert_eq!(short(59), "59s");
        assert_eq!(short(3_599), "59m 59s");
        assert_eq!(short(7_199), "1h 59m");
        assert_eq!(short(29_000_000), "11months");
        assert_eq!(short_duration("9s 990ms"), "9s");
        assert_eq!(short_duration("-"), "-");
    }
}
