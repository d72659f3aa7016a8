//! The registry, redrawn twice a second while dependencies fail and recover.
//!
//! In a terminal the table is redrawn in place, with the states in color unless `NO_COLOR` is set. Into a file
//! or a pipe, one table is printed after the other, whenever a state has changed.
//!
//! Run it with `cargo run --example watch`. It takes about seven seconds; with `-- --forever` it goes on.

use std::env;
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::thread;
use std::time::Duration;

use breaker_runtime::{Config, RegistrySnapshot, State, registry};

const TICK: Duration = Duration::from_millis(500);
const TICKS: u32 = 15;

/// Something to call, and when it is down.
struct Dependency {
    name: &'static str,
    calls_per_tick: u32,
    down: Range<u32>,
}

const DEPENDENCIES: [Dependency; 5] = [
    Dependency { name: "payments", calls_per_tick: 9, down: 2..7 },
    Dependency { name: "mail", calls_per_tick: 2, down: 0..0 },
    Dependency { name: "search/eu-central-1.example.com", calls_per_tick: 40, down: 4..6 },
    Dependency { name: "search/us-east-2.example.com", calls_per_tick: 35, down: 0..0 },
    Dependency { name: "reports", calls_per_tick: 1, down: 0..0 },
];
/// While this lasts, the circuit of the reports is forced open.
const MAINTENANCE: Range<u32> = 5..10;

/// Opens after three failures in a row, and closes after ten good probes.
const CONFIG: Config =
    Config::new().failure_threshold(3).cooldown(Duration::from_millis(1200)).success_threshold(10);

impl Dependency {
    fn call(&self, tick: u32) -> Result<(), Box<dyn Error>> {
        let circuit = registry().get_or_create(self.name, CONFIG)?;
        for _ in 0..self.calls_per_tick {
            // What becomes of the call is in the table.
            let _ = circuit.call(|| if self.down.contains(&tick) { Err("down") } else { Ok(()) });
        }
        Ok(())
    }
}

/// Where the table goes.
struct Screen {
    is_terminal: bool,
    has_colors: bool,
    /// The lines that the next table replaces.
    lines: usize,
    shown: Vec<State>,
}

impl Screen {
    fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let has_colors = is_terminal && env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Self { is_terminal, has_colors, lines: 0, shown: Vec::new() }
    }

    fn show(&mut self, table: &RegistrySnapshot) -> io::Result<()> {
        let states: Vec<_> = table.circuits.iter().map(|circuit| circuit.state).collect();
        if !self.is_terminal && states == self.shown {
            return Ok(());
        }
        let text = if self.has_colors { format!("{table:#}") } else { table.to_string() };
        let mut out = io::stdout().lock();
        if self.is_terminal && self.lines > 0 {
            // Up to where the last table began, and away with it.
            write!(out, "\x1b[{}A\x1b[J", self.lines)?;
        }
        writeln!(out, "{text}\n")?;
        self.lines = text.lines().count() + 1;
        self.shown = states;
        out.flush()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let goes_on = env::args().any(|it| it == "--forever");
    let reports = registry().get_or_create("reports", CONFIG)?;
    let mut screen = Screen::new();
    let mut tick = 0;
    while tick < TICKS {
        if tick == MAINTENANCE.start {
            reports.force_open();
        } else if tick == MAINTENANCE.end {
            reports.reset();
        }
        for dependency in &DEPENDENCIES {
            dependency.call(tick)?;
        }
        screen.show(&registry().snapshot())?;
        thread::sleep(TICK);
        tick += 1;
        if goes_on {
            tick %= TICKS;
        }
    }
    if let Some(circuit) = registry().circuits().iter().find(|it| it.state() != State::Closed) {
        return Err(format!("expected a closed circuit: {}", circuit.snapshot().explain()).into());
    }
    println!("All circuits are closed again.");
    Ok(())
}
