//! The sentence of a circuit, as the page shows it.

use breaker_runtime::{Mode, Snapshot};

/// The explanation without the mode `observe` and without who gave orders. `None` if that is the explanation itself.
///
/// The page shows the mode and the names elsewhere. Only some answers have names, and the sentence must be the same
/// in all of them.
pub(crate) fn sentence(circuit: &Snapshot) -> Option<String> {
    let has_names = circuit.mode_override.as_ref().is_some_and(|ordered| ordered.by.is_some())
        || circuit.overrides.iter().any(|overridden| overridden.by.is_some());
    if circuit.mode != Mode::Observe && !has_names {
        return None;
    }
    let mut plain = circuit.clone();
    plain.withhold_names();
    plain.mode = Mode::Normal;
    Some(plain.explain())
}

#[cfg(test)]
mod tests {
    use breaker_runtime::{Config, Override, Registry};

    use super::*;

    #[test]
    fn a_sentence_has_neither_the_mode_nor_names() {
        let own = Registry::new();
        let circuit = own.get_or_create("queue", Config::new()).unwrap();
        assert_eq!(sentence(&circuit.snapshot()), None, "it is the explanation");
        circuit.override_for(Override::Mode(Mode::Observe), None, "10.0.0.7").unwrap();
        circuit.trip();
        circuit.try_acquire().unwrap().success();
        let explained = circuit.snapshot().explain();
        assert!(explained.starts_with("observed: "), "{explained}");
        assert!(explained.ends_with("; would have rejected 1 call"), "{explained}");
        let sentence = sentence(&circuit.snapshot()).unwrap();
        assert!(sentence.starts_with("open for "), "{sentence}");
        assert!(sentence.contains(": trip(); probes in "), "{sentence}");
        assert!(!sentence.contains("would have"), "{sentence}");
    }
}
