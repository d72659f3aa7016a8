//! A program with two versions of `breaker-runtime` (G12): each has a registry of its own, and one name in both
//! is two circuits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use breaker_programs::{Fault, answer};

#[breaker_runtime::circuit_breaker(name = "versions", failure_threshold = 1)]
fn newer(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[older::circuit_breaker(name = "versions", failure_threshold = 2, crate = ::older)]
fn elder(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[older::circuit_breaker(name = "versions.only_older", crate = ::older)]
fn nested(works: bool) -> Result<(), Fault> {
    newer(works)
}

fn main() {
    let new = breaker_runtime::registry().get("versions").expect("the newer one is listed");
    let old = older::registry().get("versions").expect("the older one is listed");
    assert!(breaker_runtime::registry().get("versions.only_older").is_none());
    assert!(breaker_runtime::registry().conflicts().is_empty());
    assert!(older::registry().conflicts().is_empty());

    let told = [0, 1].map(|_| Arc::new(AtomicU64::new(0)));
    let [of_new, of_old] = told.clone();
    let _new = breaker_runtime::registry().subscribe(move |_| {
        of_new.fetch_add(1, Ordering::SeqCst);
    });
    let _old = older::registry().subscribe(move |_| {
        of_old.fetch_add(1, Ordering::SeqCst);
    });

    assert_eq!(newer(false), Err(Fault::Down));
    assert_eq!((newer(true), elder(true)), (Err(Fault::Refused), Ok(())));
    assert_eq!((elder(false), elder(false)), (Err(Fault::Down), Err(Fault::Down)));
    assert_eq!(elder(true), Err(Fault::Refused));
    assert_eq!(told.map(|count| count.load(Ordering::SeqCst)), [2, 2], "an opening, and a refusal");

    breaker_runtime::registry().reset_all();
    assert_eq!((newer(true), elder(true)), (Ok(()), Err(Fault::Refused)));
    assert_eq!(nested(false), Err(Fault::Down), "one inside the other");
    assert_eq!(nested(true), Err(Fault::Refused));
    let answers = thread::spawn(|| [newer(true), elder(true), nested(true)]).join().unwrap();
    assert!(answers.iter().all(|answer| *answer == Err(Fault::Refused)));

    let [new, old] = [new.snapshot().calls.started, old.snapshot().calls.started];
    println!("{new} calls of the newer one, {old} of the older one");
}
