//! What happens, line by line, with the time.

use std::fmt::Display;
use std::time::Instant;

use breaker_runtime::{Event, EventKind, State, Subscription, registry};

/// Prints what happens, with the seconds since it began.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    began: Instant,
}

impl Timeline {
    /// It begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// A line.
    pub fn say(self, what: impl Display) {
        println!("{:5.1}s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// A line for each circuit that opens or closes, for as long as the subscription is kept.
    #[must_use = "it ends with the subscription"]
    pub fn follow_circuits(self) -> Subscription {
        registry().subscribe_to_changes(move |event| self.tell(event))
    }

    fn tell(self, event: &Event) {
        let Event { name, kind: EventKind::Transition(transition), .. } = event else { return };
        // A failed probe opens it again. That is no news.
        match (transition.from, transition.to) {
            (State::Closed, State::Open) => {
                self.say(format_args!("    The circuit {name} opens: {}.", transition.cause));
            }
            (_, State::Closed) => {
                self.say(format_args!("    The circuit {name} closes: {}.", transition.cause));
            }
            _ => {}
        }
    }
}
