//! Makes the story happen, and tells it in the terminal.

use std::time::Duration;

use breaker_runtime::{State, registry};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::scene::Watcher;
use super::{Place, STEPS, Step, Story, Wish};
use crate::customers::{Customer, Tally};
use crate::timeline::Timeline;
use crate::world::World;

/// The pause between two visits of a customer.
const PAUSE: Duration = Duration::from_millis(25);
/// How much longer than planned a step may take until it is true.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many customers there are.
const CUSTOMERS: usize = 4;
/// An order of the last step lasts half of the step, within these bounds.
const SHORTEST_ORDER: Duration = Duration::from_secs(1);
const LONGEST_ORDER: Duration = Duration::from_secs(6);
// A reader may want to go on as soon as it is given. The step must have time to come true even then.
const _: () = assert!(LONGEST_ORDER.as_secs() < PATIENCE.as_secs());

/// Makes the story happen to a shop and its customers.
#[derive(Debug)]
pub struct Teller<'a> {
    story: &'a Story,
    world: &'a World,
    timeline: Timeline,
    crowd: Vec<Customer>,
}

/// How a part of the story ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Told,
    /// A reader wants it told again.
    Again,
}

impl<'a> Teller<'a> {
    /// Customers come to the shop at that URL.
    #[must_use]
    pub fn new(story: &'a Story, world: &'a World, shop: &str, timeline: Timeline) -> Self {
        Self { story, world, timeline, crowd: Customer::crowd(shop, CUSTOMERS) }
    }

    /// Tells the story once. Each step takes `length`, or longer until it is true, or as long as readers hold it. What
    /// comes before takes half as long.
    ///
    /// # Errors
    ///
    /// What did not come true.
    pub async fn tell(&mut self, length: Duration) -> Result<(), String> {
        let told = loop {
            match self.attempt(length).await {
                Ok(End::Again) => {}
                Ok(End::Told) => break Ok(()),
                Err(untrue) => break Err(untrue),
            }
        };
        self.story.turn_to(Place::After);
        told
    }

    /// Waits for so long, or until a reader wants to go on. Customers come and go.
    pub async fn rest(&mut self, length: Duration) {
        self.wait(length, || true).await;
    }

    async fn attempt(&mut self, length: Duration) -> Result<End, String> {
        self.heal();
        self.story.turn_to(Place::Before);
        self.timeline.say("Everything works.");
        let is_well = || {
            let circuits = registry().snapshot().circuits;
            circuits.iter().all(|circuit| circuit.state == State::Closed)
        };
        if self.wait(length / 2, is_well).await == End::Again {
            return Ok(End::Again);
        }
        for (index, step) in STEPS.iter().enumerate() {
            self.timeline.say(format_args!("{}. {}: {}", index + 1, step.title, step.what));
            self.story.turn_to(Place::Step(index));
            if self.play(step, length).await? == End::Again {
                return Ok(End::Again);
            }
        }
        Ok(End::Told)
    }

    async fn play(&mut self, step: &Step, length: Duration) -> Result<End, String> {
        let watcher = Watcher::of(step, self.world);
        let limit = (length / 2).clamp(SHORTEST_ORDER, LONGEST_ORDER);
        (step.cause)(self.world, limit).map_err(|errors| errors.to_string())?;
        let mut tally = Tally::default();
        let mut countdown = Countdown::of(length);
        loop {
            tally.add(self.visit().await);
            let scene = watcher.scene(step, self.world, tally);
            let truth = step.check(&scene);
            let figures = (step.figures)(&scene);
            self.story.show(figures.clone(), truth.as_ref().err().cloned());
            match countdown.tick(self.story) {
                Some(Wish::Again) => return Ok(End::Again),
                Some(_) if truth.is_ok() || countdown.is_overdue() => {
                    for figure in figures {
                        self.timeline.say(format_args!("    {} {}", figure.value, figure.of));
                    }
                    self.timeline.say(format_args!("    {tally}."));
                    return truth.map(|()| End::Told);
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    async fn wait(&mut self, length: Duration, is_over: impl Fn() -> bool) -> End {
        let mut countdown = Countdown::of(length);
        loop {
            self.visit().await;
            match countdown.tick(self.story) {
                Some(Wish::Again) => return End::Again,
                Some(_) if is_over() || countdown.is_overdue() => return End::Told,
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Has every customer visit the shop once.
    async fn visit(&mut self) -> Tally {
        let mut tally = Tally::default();
        for visit in join_all(self.crowd.iter_mut().map(Customer::visit)).await {
            tally.add(visit);
        }
        tally
    }

    /// Ends what a story that was left in the middle has begun.
    fn heal(&self) {
        let World { prices, card, bank, carrier, .. } = self.world;
        for health in [&prices.health, &card.health, &bank.health, &carrier.health] {
            health.recover();
        }
        for step in STEPS {
            if let Some(circuit) = registry().get(step.circuit) {
                circuit.end_overrides();
            }
        }
    }
}

/// Counts down while nobody holds the story.
struct Countdown {
    left: Duration,
    /// How long it has been over, or a reader has wanted it to be.
    overtime: Duration,
    last: Instant,
}

impl Countdown {
    fn of(length: Duration) -> Self {
        Self { left: length, overtime: Duration::ZERO, last: Instant::now() }
    }

    /// `None` if there is time left.
    fn tick(&mut self, story: &Story) -> Option<Wish> {
        let passed = self.last.elapsed();
        self.last += passed;
        let mut progress = story.progress();
        if !progress.is_held {
            self.left = self.left.saturating_sub(passed);
        }
        let is_over = self.left.is_zero() && !progress.is_held;
        let wish = progress.wish.or(is_over.then_some(Wish::Next));
        progress.left = if wish.is_some() { Duration::ZERO } else { self.left };
        self.overtime += if wish.is_some() { passed } else { Duration::ZERO };
        wish
    }

    fn is_overdue(&self) -> bool {
        self.overtime > PATIENCE
    }
}
