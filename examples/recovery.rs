//! A dependency with a cold cache falls over again when all calls return at once. With `recovery`, they return bit by
//! bit.
//!
//! Time is moved by hand, so two minutes take no time: `cargo run --example recovery`.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, State};

const STEP: Duration = Duration::from_millis(10);
/// Callers ask this often in each step: a thousand times a second.
const FULL_LOAD: u32 = 10;
/// What the dependency bears while its cache is cold.
const COLD_LOAD: u32 = 6;
/// How long its cache is cold after a start, and how long a restart takes.
const COLD: Duration = Duration::from_secs(10);
const RESTART: Duration = Duration::from_secs(3);
/// The first outage, and the end of the story.
const OUTAGE: Duration = Duration::from_secs(5);
const END: Duration = Duration::from_secs(120);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::new()
        .failure_rate(0.5)
        .time_window(Duration::from_secs(1))
        .minimum_calls(20)
        .cooldown(Duration::from_secs(2));
    println!("without recovery:");
    let without = story(config)?;
    println!("\nwith recovery = \"30s\":");
    let with = story(config.recovery(Duration::from_secs(30)))?;
    println!("\nopenings: {} without recovery, {} with it", without.openings, with.openings);
    println!("calls that were not served: {} without, {} with", without.lost, with.lost);
    Ok(())
}

struct Outcome {
    openings: u32,
    /// Calls that failed or were refused.
    lost: u32,
}

/// Two minutes with an outage.
fn story(config: Config) -> Result<Outcome, Box<dyn std::error::Error>> {
    let time = ManualClock::new();
    let clock = Clock::Manual(time.clone());
    let circuit = CircuitBreaker::with_clock("search", config, clock)?;
    let mut dependency = Dependency::default();
    let mut outcome = Outcome { openings: 0, lost: 0 };
    let (mut elapsed, mut state) = (Duration::ZERO, State::Closed);
    while elapsed < END {
        dependency.begin_step(elapsed);
        for _ in 0..FULL_LOAD {
            let answered = circuit.call(|| dependency.answer(elapsed));
            outcome.lost += u32::from(answered.is_err());
        }
        let now = circuit.state();
        if now != state {
            outcome.openings += u32::from(now == State::Open && state != State::HalfOpen);
            println!("{:>6.2} s  {}", elapsed.as_secs_f64(), circuit.snapshot().explain());
        }
        state = now;
        time.advance(STEP);
        elapsed += STEP;
    }
    Ok(outcome)
}

/// A server that dies when a cold cache gets too many calls, and is started again.
#[derive(Default)]
struct Dependency {
    /// It is down until then, and cold for a while after that.
    up_at: Duration,
    /// The calls of this step, and of those before it with less and less weight.
    load: f64,
    had_outage: bool,
}

impl Dependency {
    fn begin_step(&mut self, now: Duration) {
        self.load *= 0.9;
        if !self.had_outage && now >= OUTAGE {
            (self.had_outage, self.up_at) = (true, now + RESTART);
        }
    }

    fn answer(&mut self, now: Duration) -> Result<(), &'static str> {
        if now < self.up_at {
            return Err("connection refused");
        }
        self.load += 0.1;
        let is_cold = self.had_outage && now < self.up_at + COLD;
        if is_cold && self.load > f64::from(COLD_LOAD) {
            (self.up_at, self.load) = (now + RESTART, 0.0);
            return Err("it died");
        }
        Ok(())
    }
}
