//! One or none.

use crate::strategy::{Drawn, Strategy, any};

/// A value, or none.
pub fn of<S: Strategy>(some: S) -> impl Strategy<Value = Option<S::Value>> {
    Drawn(move |source: &mut crate::Source<'_>| {
        any::<bool>().draw(source).then(|| some.draw(source))
    })
}
