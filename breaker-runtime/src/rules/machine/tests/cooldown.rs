//! Cooldowns: how long a circuit stays open, also when the clock misbehaves.

use super::*;

/// Re-opens the circuit by a failed probe.
fn reopen(bench: &mut Bench) {
    let probe = next_probe(bench);
    bench.settle(probe, FAILED);
}

#[test]
fn r15_each_reopening_waits_longer_by_the_multiplier_up_to_the_longest() {
    let config = Config::new().cooldown(SECOND * 10).cooldown_multiplier(2.0);
    let mut bench = Bench::new(config.cooldown_max(SECOND * 70));
    bench.trip();
    let mut waits = vec![left(&bench)];
    for _ in 0..4 {
        reopen(&mut bench);
        waits.push(left(&bench));
    }
    assert_eq!(waits, [10, 20, 40, 70, 70].map(Duration::from_secs));
}

#[test]
fn r15_without_a_maximum_it_is_ten_cooldowns() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND).cooldown_multiplier(7.0));
    bench.trip();
    reopen(&mut bench);
    assert_eq!(left(&bench), SECOND * 7);
    reopen(&mut bench);
    assert_eq!(left(&bench), SECOND * 10);
}

#[test]
fn r15_a_multiplier_need_not_be_a_whole_number() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND * 10).cooldown_multiplier(1.5));
    bench.trip();
    reopen(&mut bench);
    assert_eq!(left(&bench), SECOND * 15);
    reopen(&mut bench);
    assert_eq!(left(&bench), Duration::from_millis(22_500));
}

#[test]
fn r15_without_a_multiplier_every_cooldown_is_the_same_to_the_nanosecond() {
    for cooldown in [NANO, COOLDOWN + NANO, Duration::from_secs(400 * 86_400) + NANO] {
        let mut bench = Bench::new(Config::new().cooldown(cooldown));
        bench.trip();
        assert_eq!(left(&bench), cooldown);
        reopen(&mut bench);
        assert_eq!(left(&bench), cooldown);
    }
}

#[test]
fn r15_the_first_cooldown_is_exact_with_a_multiplier_too() {
    let cooldown = Duration::from_secs(400 * 86_400) + NANO;
    let mut bench = Bench::new(Config::new().cooldown(cooldown).cooldown_multiplier(2.0));
    bench.trip();
    assert_eq!(left(&bench), cooldown);
}

#[test]
fn r15_a_lost_probe_and_a_manual_trip_of_half_open_are_reopenings() {
    let config = Config::new().cooldown_multiplier(2.0).probe_timeout(SECOND);
    let (mut bench, _probe) = half_open(config);
    bench.trip();
    assert_eq!(left(&bench), COOLDOWN * 2);
    next_probe(&mut bench);
    bench.wait(SECOND);
    assert!(bench.admit().is_err());
    assert_eq!(left(&bench), COOLDOWN * 4);
}

#[test]
fn r15_a_trip_of_an_open_circuit_is_no_reopening() {
    let mut bench = Bench::new(Config::new().cooldown_multiplier(2.0));
    bench.trip();
    bench.trip();
    reopen(&mut bench);
    assert_eq!(left(&bench), COOLDOWN * 2);
}

#[test]
fn r15_closing_and_every_control_start_again_from_the_first_cooldown() {
    let ends: [Act; 4] = [
        |bench| {
            let probe = next_probe(bench);
            bench.settle(probe, GOOD);
        },
        Bench::reset,
        |bench| {
            bench.force_open();
            bench.reset();
        },
        |bench| {
            bench.disable();
            bench.reset();
        },
    ];
    for end in ends {
        let mut bench = Bench::new(Config::new().cooldown_multiplier(2.0).success_threshold(1));
        bench.trip();
        reopen(&mut bench);
        assert_eq!(left(&bench), COOLDOWN * 2);
        end(&mut bench);
        assert_eq!(bench.state(), State::Closed);
        bench.trip();
        assert_eq!(left(&bench), COOLDOWN);
        reopen(&mut bench);
        assert_eq!(left(&bench), COOLDOWN * 2);
    }
}

#[test]
fn r15_growth_without_end_stops_at_the_longest() {
    let config = Config::new().cooldown_multiplier(1e300).cooldown_max(COOLDOWN * 3);
    let mut bench = Bench::new(config);
    bench.trip();
    for _ in 0..10_000 {
        reopen(&mut bench);
        assert_eq!(left(&bench), COOLDOWN * 3);
    }
}

#[test]
fn r15_jitter_spreads_cooldowns_evenly_over_its_whole_range() {
    const TRIPS: u32 = 10_000;
    let config = Config::new().cooldown(SECOND * 1_000).cooldown_jitter(0.2);
    let mut bench = Bench::seeded(config, 7);
    let mut tenths = [0_u32; 10];
    for _ in 0..TRIPS {
        bench.trip();
        let wait = left(&bench);
        assert!((SECOND * 800..=SECOND * 1_200).contains(&wait), "{wait:?}");
        tenths[((wait - SECOND * 800).as_secs() / 40).min(9) as usize] += 1;
        bench.reset();
    }
    // 1,000 are expected in each tenth of the range, give or take five standard deviations.
    assert!(tenths.iter().all(|count| (850..=1_150).contains(count)), "{tenths:?}");
}

#[test]
fn r15_jitter_stretches_each_reopening_by_a_share_of_its_own_length() {
    let config = Config::new().cooldown(SECOND * 10).cooldown_jitter(0.5);
    let config = config.cooldown_multiplier(2.0).cooldown_max(SECOND * 1_000);
    let mut longest = Duration::ZERO;
    for seed in 0..200 {
        let mut bench = Bench::seeded(config, seed);
        bench.trip();
        reopen(&mut bench);
        assert!((SECOND * 10..=SECOND * 30).contains(&left(&bench)));
        longest = longest.max(left(&bench));
    }
    assert!(longest > SECOND * 25, "{longest:?}");
}

#[test]
fn r15_jitter_never_exceeds_the_longest_cooldown() {
    let config = Config::new().cooldown(SECOND * 10).cooldown_jitter(0.5);
    let config = config.cooldown_multiplier(1.0).cooldown_max(SECOND * 10);
    let mut capped = 0;
    for seed in 0..200 {
        let mut bench = Bench::seeded(config, seed);
        bench.trip();
        assert!(left(&bench) <= SECOND * 10);
        capped += u32::from(left(&bench) == SECOND * 10);
    }
    assert!((50..150).contains(&capped), "about half of them, not {capped}");
}

#[test]
fn r15_circuits_with_different_seeds_do_not_probe_in_step() {
    let config = Config::new().cooldown_jitter(0.1);
    let wait = |seed| {
        let mut bench = Bench::seeded(config, seed);
        bench.trip();
        left(&bench)
    };
    assert_ne!(wait(1), wait(2));
}

#[test]
fn r17_a_cooldown_without_end_lasts_until_reset() {
    let mut bench = Bench::new(Config::new().cooldown(Duration::MAX));
    bench.trip();
    let refused = Err(Refusal::open(Left::FOREVER));
    assert_eq!(bench.admit(), refused);
    bench.wait(Duration::MAX);
    assert_eq!(bench.admit(), refused);
    assert_eq!((bench.read().retry_after, bench.read().probe_due), (None, false));
    bench.reset();
    assert!(bench.admit().is_ok());
}

#[test]
fn r17_a_cooldown_without_end_stays_so_with_jitter_and_a_multiplier() {
    for seed in 0..20 {
        let config = Config::new().cooldown(Duration::MAX).cooldown_jitter(0.9);
        let mut bench = Bench::seeded(config.cooldown_multiplier(2.0), seed);
        bench.trip();
        assert_eq!(bench.read().retry_after, None);
    }
}

#[test]
fn r17_a_clock_that_goes_back_stands_still() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    let start = bench.now;
    bench.trip();
    bench.wait(SECOND);
    assert!(bench.admit().is_err());
    bench.now = Instant::ZERO;
    assert_eq!(bench.admit().unwrap_err().left.as_duration(), Some(COOLDOWN - SECOND));
    assert_eq!((left(&bench), bench.read().since), (COOLDOWN - SECOND, SECOND));
    bench.now = start.after(COOLDOWN);
    assert!(bench.admit().is_ok());
}

#[test]
fn r17_a_reset_begins_anew_where_the_clock_went_back_to() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    bench.wait(COOLDOWN);
    bench.trip();
    bench.now = Instant::ZERO;
    bench.reset();
    bench.wait(SECOND);
    assert_eq!(bench.read().since, SECOND);
    bench.trip();
    next_probe(&mut bench);
    assert_eq!(bench.now, Instant::ZERO.after(SECOND + COOLDOWN));
}

#[test]
fn r17_a_probe_admitted_while_the_clock_is_back_has_its_full_time() {
    let config = Config::new().probe_timeout(SECOND).half_open_failure_threshold(1);
    let (mut bench, probe) = half_open(config);
    let admitted = bench.now;
    bench.settle(probe, CANCELLED);
    bench.now = Instant::ZERO;
    let probe = bench.admit().unwrap();
    bench.now = admitted.after(SECOND - NANO);
    assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
}
