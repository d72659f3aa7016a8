//! Registries for tests that are used again, one test after the other.
//!
//! *Why it exists:* `registry()` returns a `&'static Registry`. So the registry of a test has to live forever, and
//! there must not be a new one for every test. A registry comes back when its test ends. It is used again when nobody
//! holds a circuit, a key or a subscription of its last test any more.

use std::sync::Arc;

use super::layers::Stack;
use super::listeners::contain;
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
        // What a listener captured runs code of users when it is dropped: after the lock, and one at a time, because it
        // may panic, or subscribe another.
        let listeners = &self.around.listeners;
        loop {
            let Some(listener) = listeners.detached.lock().pop() else { break };
            contain(|| drop(listener));
        }
        {
            let mut all = listeners.all.lock();
            all.clear();
            listeners.recount(&all);
        }
        // In variables, which outlive the locks.
        let keyed = std::mem::take(&mut *self.keyed.write());
        let circuits = std::mem::take(&mut *self.circuits.0.write());
        drop((keyed, circuits));
        self.around.layers.replace(Stack::default());
        self.refused.lock().clear();
        self.outbox.clear();
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
    use crate::circuit::Mutex;
    use crate::registry::Event;
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

    /// Runs when the listener that captured it is dropped.
    struct AtTheEnd<F: FnMut()>(F);

    impl<F: FnMut()> Drop for AtTheEnd<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    fn used() -> &'static Registry {
        Box::leak(Box::default())
    }

    fn detach(registry: &Registry, at_the_end: impl FnMut() + Send + Sync + 'static) {
        let captured = AtTheEnd(at_the_end);
        let listener = move |_: &Event| {
            let _ = &captured;
        };
        registry.subscribe(listener).detach();
    }

    #[test]
    fn what_a_listener_captured_may_subscribe_when_it_is_dropped() {
        let registry = used();
        detach(registry, || registry.subscribe(|_| {}).detach());
        registry.clear();
        assert!(registry.around.listeners.all.lock().is_empty());
    }

    #[test]
    fn what_a_listener_captured_may_panic_when_it_is_dropped() {
        let registry = used();
        for _ in 0..2 {
            detach(registry, || panic!("from a destructor"));
        }
        registry.clear();
        assert!(registry.around.listeners.all.lock().is_empty());
    }

    #[test]
    fn events_of_the_next_test_are_numbered_from_1() {
        let registry = used();
        for _ in 0..2 {
            let numbers = Arc::new(Mutex::new(Vec::new()));
            let heard = Arc::clone(&numbers);
            registry.subscribe(move |event| heard.lock().push(event.sequence)).detach();
            registry.refuse(Layer::File, vec!["wrong".to_owned()]);
            registry.clear();
            assert_eq!(*numbers.lock(), [1]);
        }
    }
}
