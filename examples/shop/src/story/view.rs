//! The story as the page reads it.

use serde::Serialize;

use super::{Figure, Line, Place, Progress, STEPS, Told};

/// How far the story is.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// `before`, `step` or `after`.
    pub place: &'static str,
    /// The step that is on, counted from 0.
    pub step: Option<usize>,
    /// Whether a reader holds it.
    pub is_held: bool,
    /// The seconds until it goes on by itself. `None` while it is held, and while it waits for something to come true.
    pub left: Option<f64>,
    /// All steps.
    pub steps: Vec<StepView>,
}

/// A step.
#[derive(Clone, Debug, Serialize)]
pub struct StepView {
    /// Its name.
    pub title: &'static str,
    /// What happens.
    pub what: &'static str,
    /// Where the dashboard shows it.
    pub look: &'static str,
    /// The circuit that it is about.
    pub circuit: &'static str,
    /// Where the code is.
    pub file: &'static str,
    /// The code that does it.
    pub code: Vec<Line>,
    /// `next`, `now`, `true` or `untrue`.
    pub state: &'static str,
    /// What proves it, so far.
    pub figures: Vec<Figure>,
    /// Whether it has come true, so that the story can go on.
    pub has_come_true: bool,
    /// What has not come true, if it had time to.
    pub missing: Option<String>,
}

impl View {
    pub(super) fn new(progress: &Progress) -> Self {
        let (place, step) = match progress.place {
            Place::Before => ("before", None),
            Place::Step(step) => ("step", Some(step)),
            Place::After => ("after", None),
        };
        let goes_on = !progress.is_held && !progress.left.is_zero();
        Self {
            place,
            step,
            is_held: progress.is_held,
            left: goes_on.then_some(progress.left.as_secs_f64()),
            steps: (0..STEPS.len())
                .map(|number| {
                    StepView::new(number, step == Some(number), progress.told.get(number))
                })
                .collect(),
        }
    }
}

impl StepView {
    fn new(number: usize, is_on: bool, told: Option<&Told>) -> Self {
        let step = STEPS[number];
        let state = match told {
            None => "next",
            Some(_) if is_on => "now",
            Some(Told { missing: Some(_), .. }) => "untrue",
            Some(_) => "true",
        };
        Self {
            title: step.title,
            what: step.what,
            look: step.look,
            circuit: step.circuit,
            file: step.code.file,
            code: step.code.lines(),
            state,
            figures: told.map(|told| told.figures.clone()).unwrap_or_default(),
            has_come_true: told
                .is_some_and(|told| !told.figures.is_empty() && told.missing.is_none()),
            missing: told.filter(|_| !is_on).and_then(|told| told.missing.clone()),
        }
    }
}
