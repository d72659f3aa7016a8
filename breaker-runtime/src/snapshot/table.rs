//! The registry as a table.

use std::fmt;

use super::{RegistrySnapshot, Snapshot};
use crate::readable::Readable;

const HEADERS: [&str; 8] =
    ["NAME", "STATE", "CALLS", "FAILED", "REJECTED", "IN FLIGHT", "FAIL RATE", "PROBES IN"];
/// Text columns come first and are aligned to the left; the numbers after them to the right.
const TEXT_COLUMNS: usize = 2;

impl fmt::Display for RegistrySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.circuits.iter().map(cells).collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row: &[String; 8]| row[column].chars().count());
            cells.chain([HEADERS[column].len()]).max().unwrap_or_default()
        };
        let widths: [usize; 8] = std::array::from_fn(width);
        write_row(f, &HEADERS, &widths)?;
        for row in &rows {
            writeln!(f)?;
            write_row(f, row, &widths)?;
        }
        Ok(())
    }
}

fn cells(circuit: &Snapshot) -> [String; 8] {
    let probes_in = match circuit.retry_after {
        Some(left) if left.is_zero() => "now".to_owned(),
        Some(left) => Readable(left).to_string(),
        None => "-".to_owned(),
    };
    [
        circuit.name.clone(),
        circuit.state.to_string(),
        circuit.calls.started.to_string(),
        circuit.calls.failure.to_string(),
        circuit.rejected.total().to_string(),
        circuit.in_flight.to_string(),
        circuit.failure_rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.0}%", rate * 100.0)),
        probes_in,
    ]
}

fn write_row(
    f: &mut fmt::Formatter<'_>,
    cells: &[impl fmt::Display; 8],
    widths: &[usize; 8],
) -> fmt::Result {
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        match column {
            0 => write!(f, "{cell:<width$}")?,
            1..TEXT_COLUMNS => write!(f, "  {cell:<width$}")?,
            _ => write!(f, "  {cell:>width$}")?,
        }
    }
    Ok(())
}
