//! The five steps. In the end, everything is as it was.

use std::time::Duration;

use breaker_runtime::{Cause, State};

use super::operator::take_out;
use super::{Code, Figure, Scene, Step};

const CARD: &str = "payments/card.example";
const BANK: &str = "payments/bank.example";

const PAY: Code = Code {
    file: "src/shop/payments.rs",
    source: include_str!("../shop/payments.rs"),
    from: "#[circuit_breaker(",
    to: "async fn pay",
    marked: "failure_threshold",
};
const ASK: Code = Code {
    file: "src/shop/prices.rs",
    source: include_str!("../shop/prices.rs"),
    from: "#[circuit_breaker(",
    to: "async fn ask",
    marked: "fallback =",
};
const ORDER: Code = Code {
    file: "src/story/operator.rs",
    source: include_str!("operator.rs"),
    from: "fn take_out",
    to: "}",
    marked: "override_for",
};

/// The steps, in order.
pub const STEPS: [Step; 5] = [
    Step {
        title: "An outage",
        what: "The card host fails, and takes its time to say so. \
               After three failed payments in a row, its circuit opens.",
        look: "The row payments/card.example goes to the top, and its state is open. \
               The bank's circuit stays closed: each host has its own.",
        circuit: CARD,
        code: PAY,
        cause: |world, _| {
            world.card.health.fall_ill_slowly();
            Ok(())
        },
        asked: |world| world.card.health.asked(),
        figures: |scene| {
            let opened = scene.first(State::Open);
            let [when, why] = match opened {
                Some((when, why)) => [seconds(when), why.to_string()],
                None => ["not yet".to_owned(), failures(scene)],
            };
            vec![
                Figure::new(why, "opened the circuit"),
                Figure::new(when, "from the failure of the host until it opened"),
                Figure::new(
                    millis(scene.tally.failed_took()),
                    "was the wait for a payment that failed",
                ),
            ]
        },
        expected: "the circuit of the card host opens, and the bank sells",
        is_true: |scene| scene.first(State::Open).is_some() && scene.tally.by_bank > 0,
        open: &[CARD],
    },
    Step {
        title: "A refusal",
        what: "The card host is still down, and nobody waits for it. \
               Checkouts by card get 503 with Retry-After at once, and buyers can pay by bank.",
        look: "In the row payments/card.example, the column of what was not served counts refusals. \
               Once a second a single call gets through, to probe the host.",
        circuit: CARD,
        code: Code { marked: "cooldown", ..PAY },
        cause: |_, _| Ok(()),
        asked: |world| world.card.health.asked(),
        figures: |scene| {
            vec![
                Figure::count(scene.refused, "calls refused so far"),
                Figure::new(
                    millis(scene.tally.refused_took()),
                    "is the wait for a refusal, with 503 and Retry-After",
                ),
                Figure::count(scene.asked, "probes are all that the card host gets"),
            ]
        },
        expected: "card payments get 503 with Retry-After, the host has its peace, and the bank sells",
        is_true: |scene| {
            let tally = &scene.tally;
            tally.refused > 0 && tally.by_bank > 0 && scene.refused > scene.asked
        },
        open: &[CARD],
    },
    Step {
        title: "A fallback",
        what: "Now the price host and the carrier fail, too. \
               Their calls have something else to say: the last known price, and the standard delivery.",
        look: "The row prices is open and refuses calls, like the row of the card host. \
               The difference is in the code: no page fails.",
        circuit: "prices",
        code: ASK,
        cause: |world, _| {
            world.prices.health.fall_ill();
            world.carrier.health.fall_ill();
            Ok(())
        },
        asked: |world| world.prices.health.asked(),
        figures: |scene| {
            let Scene { tally, .. } = scene;
            vec![
                Figure::count(tally.old_prices, "pages with the last known price"),
                Figure::count(tally.failed_pages, "pages failed"),
                Figure::count(scene.refused, "calls to the price host refused"),
            ]
        },
        expected: "pages have old prices and the standard delivery, no page fails, and the bank sells",
        is_true: |Scene { tally, .. }| {
            let has_fallbacks = tally.old_prices > 0 && tally.standard > 0;
            has_fallbacks && tally.failed_pages == 0 && tally.by_bank > 0
        },
        open: &["carrier", CARD, "prices"],
    },
    Step {
        title: "A recovery",
        what: "All hosts work again. \
               After the cooldown, a few probes get through, and the second good one closes the circuit.",
        look: "The state of payments/card.example goes from open to half-open to closed. \
               Its row leaves the top, and the open ones below follow.",
        circuit: CARD,
        code: Code { marked: "success_threshold", ..PAY },
        cause: |world, _| {
            world.card.health.recover();
            world.prices.health.recover();
            world.carrier.health.recover();
            Ok(())
        },
        asked: |world| world.card.health.asked(),
        figures: |scene| {
            let [when, probes] = match scene.first(State::Closed) {
                Some((when, Cause::Recovered(probes))) => [seconds(when), probes.to_string()],
                _ => ["not yet".to_owned(), "not yet".to_owned()],
            };
            vec![
                Figure::new(when, "from the recovery of the host until it closed"),
                Figure::new(probes, "good probes closed the circuit"),
                Figure::count(scene.tally.by_card, "products sold by card since then"),
            ]
        },
        expected: "probes close the circuits, and card payments work again",
        is_true: |Scene { tally, .. }| {
            tally.by_card > 0 && tally.old_prices < tally.pages && tally.standard < tally.pages
        },
        open: &[],
    },
    Step {
        title: "An override",
        what: "The bank works, but is about to be maintained. \
               An operator takes it out for a few seconds; nobody has to remember to bring it back.",
        look: "The row payments/bank.example is forced open, and says until when. \
               Then it closes by itself, and the column of calls goes up again.",
        circuit: BANK,
        code: ORDER,
        cause: |_, limit| take_out(BANK, limit),
        asked: |world| world.bank.health.asked(),
        figures: |scene| {
            let left = scene.circuit.as_ref().and_then(|circuit| circuit.mode_override.as_ref());
            let left = left.and_then(|order| order.left);
            let end = match (left, scene.first(State::Closed)) {
                (Some(left), _) => Figure::new(seconds(left), "until the order ends by itself"),
                (None, Some((when, _))) => Figure::new(seconds(when), "until it ended by itself"),
                (None, None) => {
                    Figure::new("0.0 s".to_owned(), "until the next call finds it ended")
                }
            };
            vec![
                end,
                Figure::count(scene.refused, "calls to the bank refused"),
                Figure::count(scene.tally.by_card, "products sold by card meanwhile"),
            ]
        },
        expected: "the bank is out, the card sells, and the order ends by itself",
        is_true: |scene| {
            let is_over = matches!(scene.first(State::Closed), Some((_, Cause::OverrideEnded)));
            is_over && scene.refused > 0 && scene.tally.by_card > 0
        },
        open: &[],
    },
];

fn failures(scene: &Scene) -> String {
    let failures = scene.circuit.as_ref().map_or(0, |circuit| circuit.consecutive_failures);
    format!("{failures} so far")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// As long as it takes to say it: tenths only of what is short.
fn millis(time: Option<Duration>) -> String {
    match time.map(|time| time.as_secs_f64() * 1000.0) {
        None => "not yet".to_owned(),
        Some(millis) if millis < 10.0 => format!("{millis:.1} ms"),
        Some(millis) => format!("{millis:.0} ms"),
    }
}
