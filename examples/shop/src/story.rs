//! The story: what happens to the shop, and what must be true of it.

use std::time::Duration;

use breaker_runtime::{State, registry};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::customers::{Customer, Tally};
use crate::timeline::Timeline;
use crate::world::World;

/// The pause between two visits of a customer.
const PAUSE: Duration = Duration::from_millis(25);
/// How much longer than planned a chapter may take until it is true.
const PATIENCE: Duration = Duration::from_secs(10);

/// A part of the story.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// What happens.
    pub title: &'static str,
    /// Makes it happen.
    pub cause: fn(&World),
    /// How many customers there are.
    pub customers: usize,
    /// What the customers notice.
    pub effect: &'static str,
    /// Whether they notice it.
    pub is_noticed: fn(&Tally) -> bool,
    /// The circuits that are not closed in the end. All others are.
    pub open: &'static [&'static str],
}

/// The chapters, in order. In the end, everything is as it was.
pub const CHAPTERS: [Chapter; 6] = [
    Chapter {
        title: "Everything works.",
        cause: |_| {},
        customers: 4,
        effect: "both ways to pay work, and prices are fresh",
        is_noticed: |tally| {
            tally.by_card > 0 && tally.by_bank > 0 && tally.old_prices < tally.pages
        },
        open: &[],
    },
    Chapter {
        title: "The card host fails. The bank does not.",
        cause: |world| world.card.health.fall_ill(),
        customers: 4,
        effect: "card payments get 503 with Retry-After, and the bank sells",
        is_noticed: |tally| tally.refused > 0 && tally.by_bank > 0,
        open: &["payments/card.example"],
    },
    Chapter {
        title: "The card host recovers.",
        cause: |world| world.card.health.recover(),
        customers: 4,
        effect: "card payments work again",
        is_noticed: |tally| tally.by_card > 0,
        open: &[],
    },
    Chapter {
        title: "The price host and the carrier fail. The shop still sells.",
        cause: |world| {
            world.prices.health.fall_ill();
            world.carrier.health.fall_ill();
        },
        customers: 4,
        effect: "pages have old prices and the standard delivery, and both ways to pay work",
        is_noticed: |tally| {
            tally.old_prices > 0 && tally.standard > 0 && tally.by_card > 0 && tally.by_bank > 0
        },
        open: &["carrier", "prices"],
    },
    Chapter {
        title: "Both recover.",
        cause: |world| {
            world.prices.health.recover();
            world.carrier.health.recover();
        },
        customers: 4,
        effect: "prices are fresh again",
        is_noticed: |tally| tally.old_prices < tally.pages && tally.standard < tally.pages,
        open: &[],
    },
    Chapter {
        title: "Payments get slow, and a crowd comes. Eight checkouts run at a time.",
        cause: |world| {
            world.card.health.slow_down();
            world.bank.health.slow_down();
        },
        customers: 40,
        effect: "some buy, and the others get 503 with Retry-After",
        is_noticed: |tally| tally.by_card + tally.by_bank > 0 && tally.refused > 0,
        open: &[],
    },
];

impl Chapter {
    /// Checks the circuits, and what customers noticed.
    ///
    /// # Errors
    ///
    /// What was expected, and what was found.
    pub fn check(&self, tally: &Tally) -> Result<(), String> {
        let circuits = registry().snapshot().circuits;
        let mut open: Vec<_> = circuits
            .iter()
            .filter(|circuit| circuit.state != State::Closed)
            .map(|circuit| circuit.name.as_str())
            .collect();
        open.sort_unstable();
        if open != self.open {
            return Err(format!("expected {:?} to be open, and found {open:?}", self.open));
        }
        if !(self.is_noticed)(tally) {
            return Err(format!("expected that {}, and found: {tally}", self.effect));
        }
        Ok(())
    }
}

/// Tells the story to the customers of a shop. Each chapter takes `length`, or longer until it is true.
///
/// # Errors
///
/// What did not come true.
pub async fn tell(
    world: &World,
    shop: &str,
    length: Duration,
    timeline: Timeline,
) -> Result<(), String> {
    for chapter in CHAPTERS {
        timeline.say(chapter.title);
        (chapter.cause)(world);
        let mut crowd = Customer::crowd(shop, chapter.customers);
        let began = Instant::now();
        let mut tally = Tally::default();
        loop {
            for visit in join_all(crowd.iter_mut().map(Customer::visit)).await {
                tally.add(visit);
            }
            let truth = chapter.check(&tally);
            if began.elapsed() >= length && (truth.is_ok() || began.elapsed() > length + PATIENCE) {
                timeline.say(format_args!("    {tally}."));
                truth?;
                break;
            }
            sleep(PAUSE).await;
        }
    }
    world.card.health.recover();
    world.bank.health.recover();
    Ok(())
}
