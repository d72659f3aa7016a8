//! One of many.

use crate::strategy::{Any, Drawn, Source, Strategy};

/// One of these.
pub fn select<T: Clone>(choices: Vec<T>) -> impl Strategy<Value = T> {
    Drawn(move |source: &mut Source<'_>| choices[(0..=choices.len() - 1).draw(source)].clone())
}

/// A place in a list whose length is not known yet.
#[derive(Clone, Copy, Debug)]
pub struct Index(u8);

impl Index {
    /// The place in a list of that length.
    #[must_use]
    pub fn index(&self, length: usize) -> usize {
        usize::from(self.0) % length
    }
}

impl Any for Index {
    fn any(source: &mut Source<'_>) -> Self {
        Self(source.arbitrary().unwrap_or_default())
    }
}
