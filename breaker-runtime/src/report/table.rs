//! The table of a registry's circuits, for terminals.

use std::fmt;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::label::Visible;
use super::{RegistrySnapshot, Snapshot};
use crate::circuit::FleetStatus;
use crate::rules::{State, plural};
use crate::settings::{Mode, Readable};

/// The cells of a row, in the order of the headings.
type Row<T> = [T; 10];

const HEADINGS: Row<&str> = [
    "NAME",
    "STATE",
    "CALLS",
    "FAILED",
    "REJECTED",
    "IN FLIGHT",
    "FAIL RATE",
    "P95",
    "OUTAGE",
    "PROBES IN",
];
/// Used if the names need the room.
const SHORT_HEADINGS: Row<&str> =
    ["NAME", "STATE", "CALLS", "FAILED", "REJECTED", "FLIGHT", "RATE", "P95", "OUTAGE", "PROBES"];
const NAME: usize = 0;
const STATE: usize = 1;
/// Left out if no circuit is timed, or if there is no room for it.
const P95: usize = 7;
/// Left out if no circuit has opened again, or if there is no room for it.
const OUTAGE: usize = 8;
/// What may be left out, beginning with what is missed least.
const LEFT_OUT: [&[usize]; 4] = [&[], &[P95], &[OUTAGE], &[P95, OUTAGE]];
/// What is not known.
const NOTHING: &str = "-";
const GAP: usize = 2;
/// The default width in columns.
const TERMINAL: usize = 80;
/// The shortest that a name is cut to.
const SHORTEST_NAME: usize = 8;

impl fmt::Display for RegistrySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut circuits: Vec<_> = self.circuits.iter().collect();
        circuits.sort_by_key(|circuit| rank(circuit));
        let room = f.width().unwrap_or(TERMINAL);
        let Layout { headings, rows, widths } = Layout::within(room, &circuits);
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

/// Which headings are used, and how wide each column is. One that is left out has no width.
#[derive(Clone)]
struct Layout {
    headings: Row<&'static str>,
    rows: Vec<Row<String>>,
    widths: Row<usize>,
}

impl Layout {
    /// The one that says most, of those that fit. If none does, names are shortened.
    fn within(room: usize, circuits: &[&Snapshot]) -> Self {
        let mut long = Self::new(HEADINGS, circuits.iter().copied().map(cells));
        let mut short = Self::new(SHORT_HEADINGS, circuits.iter().copied().map(short_cells));
        for (column, is_said) in [
            (P95, circuits.iter().any(|circuit| circuit.timings.is_some())),
            (OUTAGE, circuits.iter().any(|circuit| circuit.long_outage().is_some())),
        ] {
            if !is_said {
                (long.widths[column], short.widths[column]) = (0, 0);
            }
        }
        for left_out in LEFT_OUT {
            for layout in [&long, &short] {
                let widths = without(layout.widths, left_out);
                if width(&widths) <= room {
                    return Self { widths, ..layout.clone() };
                }
            }
        }
        let widths = without(short.widths, &[P95, OUTAGE]);
        Self { widths, ..short }.shortened(room, circuits)
    }

    fn new(headings: Row<&'static str>, rows: impl Iterator<Item = Row<String>>) -> Self {
        let rows: Vec<_> = rows.collect();
        let widths = widths(&headings, &rows);
        Self { headings, rows, widths }
    }

    /// Shortens the names.
    fn shortened(mut self, room: usize, circuits: &[&Snapshot]) -> Self {
        let excess = width(&self.widths).saturating_sub(room);
        let longest = self.widths[NAME].saturating_sub(excess).max(SHORTEST_NAME);
        for (row, circuit) in self.rows.iter_mut().zip(circuits) {
            row[NAME] = Visible::new(&circuit.name).within(longest);
        }
        self.widths[NAME] = widths(&self.headings, &self.rows)[NAME];
        self
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
        State::Recovering | State::Disabled => 3,
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
        None => NOTHING.to_owned(),
    };
    let outage = circuit.outage.map(|outage| Readable(outage.since).to_string());
    [
        Visible::new(&circuit.name).within(usize::MAX),
        state(circuit, " (observed)"),
        circuit.calls.started.to_string(),
        circuit.calls.failure.to_string(),
        circuit.rejected.total().to_string(),
        circuit.in_flight.to_string(),
        known(circuit.failure_rate.map(|rate| format!("{:.0}%", rate * 100.0))),
        known(circuit.timings.as_ref().map(|it| took(it.p95))),
        known(outage),
        probes_in,
    ]
}

fn known(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| NOTHING.to_owned())
}

/// The cells of a row, abbreviated to the width of the short headings.
fn short_cells(circuit: &Snapshot) -> Row<String> {
    let [name, .., rate, p95, outage, probes_in] = cells(circuit);
    let [_, _, calls, failed, rejected, flight, ..] = SHORT_HEADINGS.map(str::len);
    [
        name,
        state(circuit, "*"),
        short_count(circuit.calls.started, calls),
        short_count(circuit.calls.failure, failed),
        short_count(circuit.rejected.total(), rejected),
        short_count(circuit.in_flight, flight),
        rate,
        p95,
        short_duration(&outage),
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

/// How long calls took: `12ms`, `1.25s`.
fn took(duration: Duration) -> String {
    for (unit, name) in [(Duration::from_secs(1), "s"), (Duration::from_millis(1), "ms")] {
        let units = duration.as_secs_f64() / unit.as_secs_f64();
        // A longer one is shown as `10s`.
        if (1.0..9.995).contains(&units) {
            return format!("{units:.2}{name}");
        }
    }
    short_duration(&Readable(duration).to_string())
}

fn widths(headings: &Row<&str>, rows: &[Row<String>]) -> Row<usize> {
    std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([headings[column].len()]).max().unwrap_or_default()
    })
}

fn without(mut widths: Row<usize>, left_out: &[usize]) -> Row<usize> {
    for column in left_out {
        widths[*column] = 0;
    }
    widths
}

/// The width of a whole line.
fn width(widths: &Row<usize>) -> usize {
    let columns = widths.iter().filter(|width| **width > 0);
    widths.iter().sum::<usize>() + GAP * columns.count().saturating_sub(1)
}

/// The color as a parameter of ANSI's "select graphic rendition".
fn color(state: State) -> &'static str {
    match state {
        State::Closed => "32",
        State::Open => "1;31",
        State::HalfOpen | State::Recovering => "33",
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
        if *width == 0 {
            continue;
        }
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

    #[test]
    fn how_long_calls_took_has_about_three_digits() {
        let shown = |micros| took(Duration::from_micros(micros));
        assert_eq!([shown(7), shown(52), shown(1_250)], ["7us", "52us", "1.25ms"]);
        assert_eq!([shown(838_000), shown(1_254_000)], ["838ms", "1.25s"]);
        assert_eq!([shown(9_996_000), shown(90_000_000)], ["10s", "1m 30s"]);
    }
}
