//! Random cases: a config, and what happens to a circuit that has it.

use std::ops::RangeInclusive;

use arbitrary::{Arbitrary, Result, Unstructured};

use super::fleet::{self};
use super::{STEPS, TWENTIETHS, as_share, ticks};
use crate::rules::{Advice, Ending};
use crate::settings::{Config, Mode};

/// A circuit, and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(super) config: Config,
    pub(super) has_listener: bool,
    pub(super) steps: Vec<Step>,
}

impl Case {
    /// Any bytes make a case. When they run out, every choice falls on the first option.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Unstructured::new(bytes).arbitrary().expect("no choice here needs a byte")
    }
}

impl Arbitrary<'_> for Case {
    fn arbitrary(source: &mut Unstructured<'_>) -> Result<Self> {
        let config = config(source)?;
        let has_listener = source.arbitrary()?;
        let mut steps = vec![source.arbitrary()?];
        while steps.len() < STEPS && !source.is_empty() {
            steps.push(source.arbitrary()?);
        }
        Ok(Self { config, has_listener, steps })
    }
}

#[expect(clippy::large_enum_variant, reason = "there are a hundred steps")]
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Acquire,
    /// One of the calls in flight.
    Settle(u8, Ending),
    /// One of them fails, and asks to stay away for that long.
    Ask(u8, u64),
    Advance(u64),
    Trip,
    ForceOpen,
    Disable,
    Reset,
    Override(Mode, Option<u64>),
    Reconfigure(Config),
    /// For as many ticks.
    Advise(Advice, u64),
}

impl Arbitrary<'_> for Step {
    fn arbitrary(source: &mut Unstructured<'_>) -> Result<Self> {
        use Ending::{Cancelled, Failure, Ignored, Success};
        const ENDINGS: [Ending; 10] = [
            Success, Success, Success, Success, Failure, Failure, Failure, Failure, Ignored,
            Cancelled,
        ];
        const MODES: [Mode; 4] = [Mode::Normal, Mode::Observe, Mode::Disabled, Mode::ForcedOpen];
        Ok(match source.int_in_range(1..=160)? {
            1..=44 => Self::Acquire,
            45..=91 => Self::Settle(source.arbitrary()?, *source.choose(&ENDINGS)?),
            92..=94 => Self::Ask(source.arbitrary()?, source.int_in_range(0..=20)?),
            95..=120 => Self::Advance(source.int_in_range(0..=6)?),
            121..=123 => Self::Trip,
            124 => Self::ForceOpen,
            125 => Self::Disable,
            126..=128 => Self::Reset,
            129..=132 => Self::Reconfigure(config(source)?),
            133..=137 => Self::Override(*source.choose(&MODES)?, maybe(source, 1..=20)?),
            _ => Self::Advise(fleet::advice(source)?, source.int_in_range(0..=30)?),
        })
    }
}

/// A number, or none.
pub(super) fn maybe(
    source: &mut Unstructured<'_>,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>> {
    source.arbitrary::<bool>()?.then(|| source.int_in_range(range)).transpose()
}

pub(super) fn config(source: &mut Unstructured<'_>) -> Result<Config> {
    let mut config = evidence(source)?;
    let cooldown = source.int_in_range(1..=10)?;
    config = config
        .cooldown(ticks(cooldown))
        .half_open_max_calls(source.int_in_range(1..=3)?)
        .success_threshold(source.int_in_range(1..=4)?)
        // No shorter than the longest `slow_call`.
        .probe_timeout(ticks(source.int_in_range(4..=12)?));
    if source.arbitrary()? {
        config = config.half_open_failure_threshold(source.int_in_range(1..=3)?);
    }
    // In place of the window of calls. Its buckets may end between ticks.
    if let Some(length) = maybe(source, 10..=60)? {
        config = config.time_window(ticks(length));
    }
    if source.arbitrary()? {
        config = config.cooldown_multiplier(source.int_in_range(1..=3_u8)?.into());
        if let Some(longer) = maybe(source, 0..=30)? {
            config = config.cooldown_max(ticks(cooldown + longer));
        }
    }
    if let Some(recovery) = maybe(source, 1..=12)? {
        config = config.recovery(ticks(recovery));
    }
    if let Some(hung_after) = maybe(source, 10..=20)? {
        config = config.hung_after(ticks(hung_after));
    }
    if let Some(longest) = maybe(source, 1..=20)? {
        config = config.open_for_max(ticks(longest));
    }
    if source.ratio(1, 4)? {
        config = config.mode(Mode::Observe);
    }
    Ok(config)
}

pub(super) fn evidence(source: &mut Unstructured<'_>) -> Result<Config> {
    let window = source.int_in_range(1..=8)?;
    let mut config =
        Config::new().count_window(window).minimum_calls(source.int_in_range(1..=window)?);
    if source.arbitrary()? {
        config = config.failure_threshold(source.int_in_range(1..=4)?);
    }
    if let Some(share) = maybe(source, 1..=TWENTIETHS)? {
        config = config.failure_rate(as_share(share));
    }
    if let Some(longer_than) = maybe(source, 1..=4)? {
        config = config.slow_call(ticks(longer_than));
        if let Some(share) = maybe(source, 1..=TWENTIETHS)? {
            config = config.slow_call_rate(as_share(share));
        }
    }
    Ok(config)
}
