//! Many of one kind.

use std::ops::RangeInclusive;

use crate::strategy::{Drawn, Strategy};

/// So many values, or fewer when the bytes are used up.
pub fn vec<S: Strategy>(
    element: S,
    length: RangeInclusive<usize>,
) -> impl Strategy<Value = Vec<S::Value>> {
    Drawn(move |source: &mut crate::Source<'_>| {
        let mut elements = Vec::new();
        while elements.len() < *length.end()
            && (elements.len() < *length.start() || !source.is_empty())
        {
            elements.push(element.draw(source));
        }
        elements
    })
}
