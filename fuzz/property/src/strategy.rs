//! How values are drawn from bytes.

use std::ops::{Range, RangeInclusive};

use arbitrary::Unstructured;
use arbitrary::unstructured::Int;

/// The bytes. When they are used up, every choice is the first one.
pub type Source<'a> = Unstructured<'a>;

/// What a property says that does not hold.
pub type Failed = String;

/// A way to draw values.
pub trait Strategy {
    /// What is drawn.
    type Value;

    /// Draws one.
    fn draw(&self, source: &mut Source<'_>) -> Self::Value;

    /// Draws, and makes something else of it.
    fn prop_map<T>(self, map: impl Fn(Self::Value) -> T) -> impl Strategy<Value = T>
    where
        Self: Sized,
    {
        Drawn(move |source: &mut Source<'_>| map(self.draw(source)))
    }

    /// Draws, and then draws from what that leads to.
    fn prop_flat_map<S: Strategy>(
        self,
        lead: impl Fn(Self::Value) -> S,
    ) -> impl Strategy<Value = S::Value>
    where
        Self: Sized,
    {
        Drawn(move |source: &mut Source<'_>| lead(self.draw(source)).draw(source))
    }
}

/// A strategy that is a function.
#[derive(Debug)]
pub struct Drawn<F>(pub F);

impl<T, F: Fn(&mut Source<'_>) -> T> Strategy for Drawn<F> {
    type Value = T;

    fn draw(&self, source: &mut Source<'_>) -> T {
        self.0(source)
    }
}

/// Always the same.
#[derive(Clone, Debug)]
pub struct Just<T>(pub T);

impl<T: Clone> Strategy for Just<T> {
    type Value = T;

    fn draw(&self, _: &mut Source<'_>) -> T {
        self.0.clone()
    }
}

/// One of several strategies, each with a weight.
pub struct OneOf<T>(pub Vec<(u32, Box<dyn Strategy<Value = T>>)>);

impl<T> Strategy for OneOf<T> {
    type Value = T;

    fn draw(&self, source: &mut Source<'_>) -> T {
        let all: u32 = self.0.iter().map(|(weight, _)| weight).sum();
        let mut left = (0..=all - 1).draw(source);
        for (weight, strategy) in &self.0 {
            if left < *weight {
                return strategy.draw(source);
            }
            left -= weight;
        }
        unreachable!("{left} is more than all")
    }
}

/// Types of which any value will do.
pub trait Any: Sized {
    /// Draws one.
    fn any(source: &mut Source<'_>) -> Self;
}

impl Any for bool {
    fn any(source: &mut Source<'_>) -> Self {
        source.arbitrary().unwrap_or_default()
    }
}

/// Any value of a type.
pub fn any<T: Any>() -> impl Strategy<Value = T> {
    Drawn(T::any)
}

impl<T: Int> Strategy for RangeInclusive<T> {
    type Value = T;

    fn draw(&self, source: &mut Source<'_>) -> T {
        source.int_in_range(self.clone()).unwrap_or(*self.start())
    }
}

impl Strategy for Range<u64> {
    type Value = u64;

    fn draw(&self, source: &mut Source<'_>) -> u64 {
        (self.start..=self.end - 1).draw(source)
    }
}

impl<A: Strategy, B: Strategy> Strategy for (A, B) {
    type Value = (A::Value, B::Value);

    fn draw(&self, source: &mut Source<'_>) -> Self::Value {
        (self.0.draw(source), self.1.draw(source))
    }
}

impl<A: Strategy, B: Strategy, C: Strategy> Strategy for (A, B, C) {
    type Value = (A::Value, B::Value, C::Value);

    fn draw(&self, source: &mut Source<'_>) -> Self::Value {
        (self.0.draw(source), self.1.draw(source), self.2.draw(source))
    }
}
