//! A step: its words, its cause, and how it is proved.

use std::time::Duration;

use breaker_runtime::ConfigErrors;
use serde::Serialize;

use super::{Code, Scene};
use crate::world::World;

/// A step of the story.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its name.
    pub title: &'static str,
    /// What happens.
    pub what: &'static str,
    /// Where the dashboard shows it.
    pub look: &'static str,
    /// The circuit that it is about.
    pub circuit: &'static str,
    /// The line that does it.
    pub code: Code,
    /// Makes it happen. The time is what an order lasts.
    pub cause: fn(&World, Duration) -> Result<(), ConfigErrors>,
    /// The requests that the dependency of the circuit has got, by its own count.
    pub asked: fn(&World) -> u64,
    /// What proves it. The first figure says most.
    pub figures: fn(&Scene) -> Vec<Figure>,
    /// What has to come true.
    pub expected: &'static str,
    /// Whether it has.
    pub is_true: fn(&Scene) -> bool,
    /// The circuits that are not closed in the end. All others are.
    pub open: &'static [&'static str],
}

impl Step {
    /// Checks the circuits, and what customers noticed.
    ///
    /// # Errors
    ///
    /// What was expected, and what was found.
    pub fn check(&self, scene: &Scene) -> Result<(), String> {
        if scene.open != self.open {
            return Err(format!("expected {:?} to be open, and found {:?}", self.open, scene.open));
        }
        if !(self.is_true)(scene) {
            return Err(format!("expected that {}, and found: {}", self.expected, scene.tally));
        }
        Ok(())
    }
}

/// A fact with a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The number.
    pub value: String,
    /// Of what.
    pub of: &'static str,
}

impl Figure {
    pub(super) fn new(value: String, of: &'static str) -> Self {
        Self { value, of }
    }

    pub(super) fn count(count: impl Into<u64>, of: &'static str) -> Self {
        Self { value: count.into().to_string(), of }
    }
}
