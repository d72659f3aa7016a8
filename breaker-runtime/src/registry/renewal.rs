//! Registries for tests that are used again, one test after the other.
//!
//! *Why it exists:* `registry()` returns a `&'static Registry`. So the registry of a test has to live for ever, and
//! there must not be one more for every test. A registry comes back when its test ends. It is used again when nobody
//! holds a circuit, a key or a subscription of its last test any more.

use std::sync::Arc;

use super::layers::Stack;
use super::site_cell::SiteCell;
use super::{Clock, Registry};
use crate::circuit::Global;

static IDLE: Global<Vec<&'static Registry>> = Global::new(Vec::new());

impl Registry {
    /// A registry that nobody else uses, with every linked site in it, all closed.
    pub(super) fn borrowed(clock: Clock) -> &'static Self {
        let registry = {
            let mut idle = IDLE.lock();
            let free = idle.iter().position(|registry| registry.is_let_go());
            free.map(|at| idle.swap_remove(at))
        };
        let registry = registry.unwrap_or_else(|| Box::leak(Box::default()));
        *registry.clock.write() = clock;
        registry.add_sites(SiteCell::linked());
        registry
    }

    /// Takes a registry back whose test has ended.
    pub(super) fn give_back(&'static self) {
        self.clear();
        IDLE.lock().push(self);
    }

    fn clear(&self) {
        // What is dropped may run code of users, so it is dropped after each lock.
        drop(std::mem::take(&mut *self.keyed.write()));
        drop(std::mem::take(&mut *self.circuits.0.write()));
        let listeners = &self.around.listeners;
        drop(std::mem::take(&mut *listeners.detached.lock()));
        let mut all = listeners.all.lock();
        all.clear();
        listeners.recount(&all);
        self.around.layers.replace(Stack::default());
        self.refused.lock().clear();
    }

    /// Circuits share what is around them, and subscriptions the listeners. Those of keys share the circuits, too.
    fn is_let_go(&self) -> bool {
        let shared = [Arc::strong_count(&self.around), Arc::strong_count(&self.around.listeners)];
        shared == [1, 1] && Arc::strong_count(&self.circuits) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Config, Layer, Statement};

    #[test]
    fn a_registry_is_used_again_once_nobody_holds_anything_of_it() {
        let borrowed = || Registry::borrowed(Clock::System);
        let config = Config::new();
        let first = borrowed();
        let is_first = |other: &'static Registry| std::ptr::eq(first, other);
        let circuit = first.circuit("held", config).unwrap();
        first.give_back();
        let second = borrowed();
        assert!(!is_first(second), "a circuit is held");
        let keys = second.keyed("keys", config, 2).unwrap();
        let subscription = first.subscribe(|_| {});
        drop(circuit);
        second.give_back();
        let third = borrowed();
        assert!(!is_first(third) && !std::ptr::eq(second, third), "keys and a subscription are");
        drop((keys, subscription));
        third.subscribe(|_| {}).detach();
        third.give_back();
        let all = [first, second, third];
        for _ in 0..100 {
            let again = borrowed();
            assert!(all.iter().any(|known| std::ptr::eq(*known, again)));
            assert!(again.get("held").is_none() && again.get("keys").is_none());
            let made = again.circuit("made", config).unwrap();
            let window = Statement::new("made", "window", "7", "the test before");
            assert_eq!(made.snapshot().config.settings().window, config.settings().window);
            again.apply(Layer::File, vec![window]).unwrap();
            again.give_back();
        }
    }
}
