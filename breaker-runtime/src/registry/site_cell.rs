//! `SiteCell`, the static behind an annotated function, and the link-time list of all of them.

use std::fmt;
use std::sync::Arc;

#[cfg(any(feature = "stream", feature = "test-util"))]
use once_cell::race::OnceBox;
use once_cell::race::OnceRef;
use once_cell::sync::OnceCell;

use super::keyed::{Held, KeyedCircuits};
use super::process;
use crate::circuit::{CircuitBreaker, Global};
use crate::settings::{Constants, Site};

/// The static behind an annotated function: its site, and its circuit from the first call on.
///
/// One word for the circuit, and nothing to drop: every function of a program has such a static, which the compiler
/// checks and every call reads.
pub struct SiteCell {
    pub(super) site: Site,
    circuit: OnceRef<'static, CircuitBreaker>,
    /// For calls that may go to the circuit of a test, which does not live as long.
    #[cfg(feature = "test-util")]
    shared: OnceBox<Arc<CircuitBreaker>>,
}

/// A circuit that a site refers to, in a list that is never freed. So the circuit lives as long as the program, and
/// tools that look for leaks find it.
struct Kept {
    circuit: Arc<CircuitBreaker>,
    _before: Option<&'static Kept>,
}

static KEPT: Global<Option<&'static Kept>> = Global::new(None);

/// The same for a function with keys. Other functions need no room for them.
#[derive(Debug)]
pub struct KeyedSiteCell {
    /// The site, as the link-time list has it.
    pub cell: SiteCell,
    keyed: OnceCell<Arc<KeyedCircuits>>,
}

/// The same for a function that returns a stream, which outlives the call.
#[cfg(all(feature = "stream", not(feature = "test-util")))]
#[derive(Debug)]
pub struct SharedSiteCell {
    /// The site, as the link-time list has it.
    pub cell: SiteCell,
    shared: OnceBox<Arc<CircuitBreaker>>,
}

/// An entry of the link-time list.
#[derive(Debug)]
pub struct Listed(pub &'static SiteCell);

inventory::collect!(Listed);

impl SiteCell {
    /// A site that was not called yet, with the text of [`Site::new`].
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        cell(text)
    }

    /// The same with constants.
    #[must_use]
    pub const fn with(text: &'static str, constants: &'static Constants) -> Self {
        Self::of(Site::with(text, constants))
    }

    /// Evaluated once, and copied for every function of a program.
    #[expect(clippy::declare_interior_mutable_const, reason = "it is only copied")]
    const BLANK: Self = Self::of(Site::new(""));

    const fn of(site: Site) -> Self {
        Self {
            site,
            circuit: OnceRef::new(),
            #[cfg(feature = "test-util")]
            shared: OnceBox::new(),
        }
    }

    /// Every site that was linked into the program.
    pub(super) fn linked() -> impl Iterator<Item = &'static Site> {
        inventory::iter::<Listed>.into_iter().map(|listed| &listed.0.site)
    }

    /// The circuit that the site shares with all others of its name.
    #[inline]
    pub(crate) fn circuit(&'static self) -> &'static CircuitBreaker {
        self.circuit.get().unwrap_or_else(|| self.find())
    }

    #[cold]
    #[inline(never)]
    fn find(&'static self) -> &'static CircuitBreaker {
        let circuit = process().circuit_of(&self.site);
        let mut kept = KEPT.lock();
        // Another thread may have been faster.
        self.circuit.get_or_init(|| {
            let one: &Kept = Box::leak(Box::new(Kept { circuit, _before: *kept }));
            *kept = Some(one);
            &one.circuit
        })
    }

    /// The same, to keep.
    #[cfg(feature = "test-util")]
    pub(super) fn shared_circuit(&'static self) -> Arc<CircuitBreaker> {
        Arc::clone(self.shared.get_or_init(|| Box::new(process().circuit_of(&self.site))))
    }

    /// As [`circuit`](SiteCell::circuit), in one load, from the second call on.
    #[inline]
    pub(crate) fn known_circuit(&'static self) -> Option<&'static CircuitBreaker> {
        self.circuit.get()
    }
}

/// The static behind a function without constants, by a short name.
#[must_use]
pub const fn cell(text: &'static str) -> SiteCell {
    let mut cell = SiteCell::BLANK;
    cell.site = Site::new(text);
    cell
}

impl KeyedSiteCell {
    /// A site that was not called yet, with the text of [`Site::new`].
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { cell: SiteCell::new(text), keyed: OnceCell::new() }
    }

    /// The same with constants.
    #[must_use]
    pub const fn with(text: &'static str, constants: &'static Constants) -> Self {
        Self { cell: SiteCell::with(text, constants), keyed: OnceCell::new() }
    }

    /// The circuit of a call for a key.
    #[cfg(not(feature = "test-util"))]
    pub(crate) fn held_for(&'static self, key: &str) -> Held {
        self.keyed().held(key)
    }

    /// The same for a key that is not text.
    pub(crate) fn held_for_shown(&'static self, key: &dyn fmt::Display) -> Held {
        self.keyed().held_shown(key)
    }

    #[inline]
    fn keyed(&'static self) -> &'static KeyedCircuits {
        self.keyed.get_or_init(|| process().keyed_of(&self.cell.site))
    }
}

#[cfg(all(feature = "stream", not(feature = "test-util")))]
impl SharedSiteCell {
    /// A site that was not called yet, with the text of [`Site::new`].
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { cell: SiteCell::new(text), shared: OnceBox::new() }
    }

    /// The same with constants.
    #[must_use]
    pub const fn with(text: &'static str, constants: &'static Constants) -> Self {
        Self { cell: SiteCell::with(text, constants), shared: OnceBox::new() }
    }

    /// The circuit that the site shares with all others of its name, to keep.
    pub(crate) fn circuit(&'static self) -> Arc<CircuitBreaker> {
        Arc::clone(self.shared.get_or_init(|| Box::new(process().circuit_of(&self.cell.site))))
    }
}

impl fmt::Debug for SiteCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SiteCell").field(&self.site).finish()
    }
}
