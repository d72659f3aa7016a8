//! Windows of time through whole circuits, against a list of all calls: the window always holds exactly the calls of
//! the last ten buckets.

mod common;

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, Permit, State};
use common::{SECOND, assert_balanced};
use proptest::prelude::*;
use proptest::sample::Index;

const MILLISECOND: Duration = Duration::from_millis(1);

/// In milliseconds. The clock does not begin at 0 or at an edge.
const CREATED: u64 = 3;
const BUCKET: u64 = 100;
const SLOW: u64 = 30;
const MINIMUM: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Success,
    Failure,
    Ignored,
    Cancelled,
}

#[derive(Clone, Debug)]
enum Step {
    /// A call that ends at once.
    Call(End),
    /// A call that goes on.
    Begin,
    /// One of the running calls ends.
    Finish(Index, End),
    Advance(u64),
    Switch(fn(&CircuitBreaker)),
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![
        6 => Just(End::Success),
        3 => Just(End::Failure),
        1 => Just(End::Ignored),
        1 => Just(End::Cancelled),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let switches: [fn(&CircuitBreaker); 4] = [
        CircuitBreaker::reset,
        CircuitBreaker::trip,
        CircuitBreaker::disable,
        CircuitBreaker::force_open,
    ];
    let step = prop_oneof![
        30 => ends().prop_map(Step::Call),
        4 => Just(Step::Begin),
        4 => (any::<Index>(), ends()).prop_map(|(which, end)| Step::Finish(which, end)),
        12 => (0_u64..35).prop_map(Step::Advance),
        2 => (0_u64..1_200).prop_map(Step::Advance),
        4 => prop::sample::select(switches.to_vec()).prop_map(Step::Switch),
    ];
    prop::collection::vec(step, 1..120)
}

/// A call that was let in.
struct Begun<'a> {
    permit: Permit<'a>,
    epoch: u64,
    at: u64,
}

/// What a window remembers of a call.
struct Recorded {
    bucket: u64,
    failed: bool,
    slow: bool,
}

struct World<'a> {
    circuit: &'a CircuitBreaker,
    is_timed: bool,
    now: u64,
    epoch: u64,
    asked: u64,
    recorded: Vec<Recorded>,
}

impl<'a> World<'a> {
    fn begin(&mut self) -> Option<Begun<'a>> {
        self.asked += 1;
        let permit = self.circuit.try_acquire().ok()?;
        self.follow();
        Some(Begun { permit, epoch: self.epoch, at: self.now })
    }

    fn end(&mut self, call: Begun<'a>, end: End) {
        let before = self.circuit.snapshot();
        let slow = self.is_timed && self.now - call.at > SLOW;
        match end {
            End::Success => call.permit.success(),
            End::Failure => call.permit.failure(),
            End::Ignored => call.permit.ignore(),
            End::Cancelled => drop(call.permit),
        }
        let is_heard = before.state == State::Closed && before.epoch == call.epoch;
        let is_recorded = match end {
            End::Success | End::Failure => true,
            End::Ignored => false,
            End::Cancelled => slow,
        };
        if is_heard && is_recorded {
            let failed = end == End::Failure;
            self.recorded.push(Recorded { bucket: self.bucket(), failed, slow });
            let opens = (failed || slow) && self.is_too_much();
            assert_eq!(self.circuit.state() == State::Open, opens);
        }
        self.follow();
    }

    /// A change of state empties the window.
    fn follow(&mut self) {
        let epoch = self.circuit.snapshot().epoch;
        if epoch != self.epoch {
            self.epoch = epoch;
            self.recorded.clear();
        }
    }

    fn bucket(&self) -> u64 {
        (self.now - CREATED) / BUCKET
    }

    fn window(&self) -> Vec<&Recorded> {
        self.recorded.iter().filter(|call| call.bucket + 9 >= self.bucket()).collect()
    }

    fn share(&self, counts: impl Fn(&Recorded) -> bool) -> Option<f64> {
        let window = self.window();
        let count = window.iter().filter(|call| counts(call)).count();
        (window.len() >= MINIMUM).then(|| as_float(count) / as_float(window.len()))
    }

    fn is_too_much(&self) -> bool {
        let failed = self.share(|call| call.failed).is_some_and(|share| share >= 0.5);
        let slow = self.share(|call| call.slow).is_some_and(|share| share >= 0.9);
        failed || (self.is_timed && slow)
    }

    fn check(&self, begun: usize) {
        let snapshot = self.circuit.snapshot();
        if snapshot.state == State::Closed {
            assert_eq!(snapshot.window_calls as usize, self.window().len());
            assert_eq!(snapshot.failure_rate, self.share(|call| call.failed));
        }
        assert_eq!(snapshot.in_flight, begun as u64);
        assert_balanced(&snapshot, self.asked);
    }
}

fn as_float(count: usize) -> f64 {
    u32::try_from(count).unwrap().into()
}

fn play(steps: Vec<Step>, config: Config) {
    let time = ManualClock::new();
    time.advance(MILLISECOND * u32::try_from(CREATED).unwrap());
    let clock = Clock::Manual(time.clone());
    let circuit = CircuitBreaker::with_clock("circuit", config, clock).unwrap();
    let is_timed = config.settings().slow_call.is_some();
    let (now, epoch, asked) = (CREATED, 0, 0);
    let mut world = World { circuit: &circuit, is_timed, now, epoch, asked, recorded: Vec::new() };
    let mut begun = Vec::new();
    for step in steps {
        match step {
            Step::Call(end) => {
                if let Some(call) = world.begin() {
                    world.end(call, end);
                }
            }
            Step::Begin => begun.extend(world.begin()),
            Step::Finish(..) if begun.is_empty() => {}
            Step::Finish(which, end) => {
                let call = begun.swap_remove(which.index(begun.len()));
                world.end(call, end);
            }
            Step::Advance(by) => {
                time.advance(MILLISECOND * u32::try_from(by).unwrap());
                world.now += by;
            }
            Step::Switch(switch) => switch(&circuit),
        }
        world.follow();
        world.check(begun.len());
    }
}

fn config() -> Config {
    Config::new()
        .time_window(SECOND)
        .failure_rate(0.5)
        .minimum_calls(u32::try_from(MINIMUM).unwrap())
        .cooldown(MILLISECOND * 150)
        .success_threshold(2)
        .half_open_failure_threshold(2)
}

fn timed() -> Config {
    config().slow_call(MILLISECOND * u32::try_from(SLOW).unwrap()).slow_call_rate(0.9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r04_the_window_holds_the_calls_of_the_last_ten_buckets(steps in steps()) {
        play(steps, config());
    }

    #[test]
    fn r04_the_window_of_timed_calls_holds_those_of_the_last_ten_buckets(steps in steps()) {
        play(steps, timed());
    }

    #[test]
    fn r04_the_window_behind_a_bulkhead_holds_those_of_the_last_ten_buckets(steps in steps()) {
        play(steps, timed().max_concurrent(1_000));
    }
}

#[test]
fn r04_a_good_call_at_the_very_edge_belongs_to_the_later_bucket() {
    let time = ManualClock::new();
    time.advance(SECOND);
    let clock = Clock::Manual(time.clone());
    let circuit = CircuitBreaker::with_clock("circuit", config(), clock).unwrap();
    for _ in 0..2 {
        circuit.try_acquire().unwrap().success();
        time.advance(MILLISECOND * 100);
    }
    time.advance(MILLISECOND * 800);
    assert_eq!(circuit.snapshot().window_calls, 1);
}
