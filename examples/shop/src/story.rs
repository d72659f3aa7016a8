//! The story: five steps, which the page and the terminal tell. Everybody reads it here.

mod code;
mod operator;
mod scene;
mod step;
mod steps;
mod teller;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::code::{Code, Line};
pub use self::scene::Scene;
pub use self::step::{Figure, Step};
pub use self::steps::STEPS;
pub use self::teller::Teller;
pub use self::view::{StepView, View};

/// How far the story is, and what its readers want. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Story(Arc<Mutex<Progress>>);

/// What a reader can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Stay at this step.
    Hold,
    /// Go on by itself.
    GoOn,
    /// End this step once it has come true.
    Next,
    /// Begin again.
    Again,
}

/// Where the story is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Before the first step, while everything works.
    #[default]
    Before,
    /// In the step of that index.
    Step(usize),
    /// After the last step.
    After,
}

#[derive(Debug, Default)]
struct Progress {
    place: Place,
    is_held: bool,
    wish: Option<Wish>,
    /// Until the story goes on by itself.
    left: Duration,
    /// What each step that has begun has shown so far, or why it did not come true.
    told: Vec<Told>,
}

#[derive(Debug, Default)]
struct Told {
    figures: Vec<Figure>,
    /// What was expected and is not so: not yet, or not at the end.
    missing: Option<String>,
}

impl Story {
    /// Asks for something.
    pub fn wish(&self, wish: Wish) {
        let mut progress = self.progress();
        match wish {
            Wish::Hold => progress.is_held = true,
            Wish::GoOn => progress.is_held = false,
            Wish::Next | Wish::Again => progress.wish = Some(wish),
        }
    }

    /// How far it is.
    #[must_use]
    pub fn view(&self) -> View {
        View::new(&self.progress())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns to another place. A wish that was about the place before is no longer one.
    fn turn_to(&self, place: Place) {
        let mut progress = self.progress();
        progress.place = place;
        progress.wish = None;
        match place {
            Place::Before => progress.told.clear(),
            Place::Step(_) => progress.told.push(Told::default()),
            Place::After => {}
        }
    }

    fn show(&self, figures: Vec<Figure>, missing: Option<String>) {
        if let Some(told) = self.progress().told.last_mut() {
            *told = Told { figures, missing };
        }
    }
}
