//! What one instrument says about one circuit.

use std::slice;

use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

pub(crate) struct Points<'a, T> {
    pub(crate) instrument: &'a dyn AsyncInstrument<T>,
    /// The circuit's name, which every point has.
    pub(crate) name: &'a KeyValue,
}

impl<T> Points<'_, T> {
    /// A point whose only attribute is the name.
    pub(crate) fn value(&self, value: T) {
        self.instrument.observe(value, slice::from_ref(self.name));
    }

    /// A point if its value is known.
    pub(crate) fn known(&self, value: Option<T>) {
        if let Some(value) = value {
            self.value(value);
        }
    }

    /// Points that differ in one attribute.
    pub(crate) fn each(
        &self,
        attribute: &'static str,
        values: impl IntoIterator<Item = (&'static str, T)>,
    ) {
        for (of, value) in values {
            self.instrument.observe(value, &[self.name.clone(), KeyValue::new(attribute, of)]);
        }
    }
}
