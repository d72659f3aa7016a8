//! Subscribing to circuits: which events come, and in which order.
//!
//! Run it with `cargo run --example events`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use breaker_runtime::{
    CallError, CircuitBreaker, Config, Event, EventKind, State, circuit_breaker, registry,
};

#[circuit_breaker(
    name = "ledger",
    failure_threshold = 2,
    cooldown = "50ms",
    success_threshold = 1,
    fallback = |error| Err(what(&error))
)]
fn book(works: bool) -> Result<(), &'static str> {
    if works { Ok(()) } else { Err("down") }
}

fn what(error: &CallError<&'static str>) -> &'static str {
    match error {
        CallError::Failed(why) => why,
        CallError::TimedOut(_) => "too slow",
        CallError::Rejected(_) => "not tried",
    }
}

/// One line per event. A real program would log, count and alert here, and leave slow work to others.
fn print(event: &Event) {
    let Event { name, sequence, missed, kind, .. } = event;
    if *missed > 0 {
        println!(
            "    {name}: {missed} refused calls or late outcomes before this, while we were busy"
        );
    }
    let what = match kind {
        EventKind::Transition(transition) => transition.to_string(),
        EventKind::Rejected { reason, .. } => format!("refused a call: {reason}"),
        EventKind::Late { outcome: Some(outcome) } => format!("a late outcome: {outcome:?}"),
        EventKind::Late { outcome: None } => "a late call was cancelled".to_owned(),
        EventKind::Conflict(conflict) => conflict.to_string(),
        _ => "something new".to_owned(),
    };
    println!("    {name} #{sequence}: {what}");
}

fn main() -> Result<(), Box<dyn Error>> {
    let printing = registry().subscribe(print);
    let ledger = registry().get("ledger").ok_or("no such circuit")?;

    println!(
        "An outage. Good calls and single failures are no events, changes of state and refusals are:"
    );
    let _ = (book(true), book(false), book(false), book(true));

    println!("Still down after the cooldown, and then it works:");
    sleep(Duration::from_millis(60));
    let _ = book(false);
    sleep(Duration::from_millis(60));
    let _ = book(true);

    println!("A call that outlives the state it began in:");
    let began_closed = ledger.try_acquire()?;
    ledger.trip();
    began_closed.success();

    println!("By hand. What changes nothing is not told, but for a reset:");
    ledger.trip();
    ledger.disable();
    ledger.disable();
    ledger.reset();
    ledger.reset();

    drop(printing);

    a_listener_that_acts(&ledger);
    a_listener_that_panics(&ledger);
    a_conflict()?;
    if ledger.state() == State::Closed { Ok(()) } else { Err("it should be closed".into()) }
}

/// Events that a listener causes come after the event that it handles, for every listener.
fn a_listener_that_acts(ledger: &Arc<CircuitBreaker>) {
    println!("\nA listener may use the circuit. This one closes it when it opens:");
    let acted_on = Arc::clone(ledger);
    let closing = registry().subscribe(move |event| {
        if let EventKind::Transition(transition) = &event.kind
            && transition.to == State::Open
        {
            acted_on.reset();
        }
    });
    let printing = registry().subscribe(print);
    ledger.trip();
    drop((closing, printing));
}

fn a_listener_that_panics(ledger: &CircuitBreaker) {
    println!("\nA listener that panics harms nobody:");
    let told = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&told);
    std::panic::set_hook(Box::new(|info| {
        println!("    ({})", info.payload().downcast_ref::<&str>().unwrap_or(&"a panic"));
    }));
    let panicking = registry().subscribe(|_| panic!("on purpose"));
    let counting = registry().subscribe(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    ledger.trip();
    drop((panicking, counting));
    let _ = std::panic::take_hook();
    ledger.reset();
    println!(
        "    events that the next listener heard all the same: {}",
        told.load(Ordering::Relaxed)
    );
    println!("    the reset came when nobody listened; the circuit is {}", ledger.state());
}

/// A later subscriber gets it at once, with number 0.
fn a_conflict() -> Result<(), Box<dyn Error>> {
    println!("\nA second config for a name, told to a listener, and to one that comes later:");
    let early = registry().subscribe(print);
    registry().get_or_create("ledger", Config::new().failure_threshold(9))?;
    drop(early);
    let _late = registry().subscribe(print);
    Ok(())
}
