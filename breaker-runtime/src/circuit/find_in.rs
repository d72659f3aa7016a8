//! Finding one error in a chain of errors of any type.
//!
//! *Why it exists:* a transparent wrapper, such as a variant with thiserror's `#[error(transparent)]`, has the message
//! and the source of the error inside. So that error itself is no link of the chain, and a walk over the sources misses
//! it. But the wrapper asks it for its source. While it is sought, it answers with itself.

use std::any::TypeId;
use std::cell::Cell;
use std::error::Error;

thread_local! {
    static SOUGHT: Cell<Option<TypeId>> = const { Cell::new(None) };
}

/// The first error of that type in a chain, wrapped or not. Its [`source`](Error::source) must be [`if_sought`].
pub(super) fn find_in<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let _search = Search::start(TypeId::of::<T>());
        next = error.source();
    }
    None
}

/// The error itself while [`find_in`] asks for its type, else nothing. It answers once: code that walks over sources
/// must come to an end, also where a `source` of a stranger does so in the middle of a search.
pub(super) fn if_sought<T: Error + 'static>(error: &T) -> Option<&(dyn Error + 'static)> {
    let is_sought = replace(None);
    if is_sought == Some(TypeId::of::<T>()) {
        return Some(error);
    }
    replace(is_sought);
    None
}

/// A thread that ends seeks nothing.
fn replace(sought: Option<TypeId>) -> Option<TypeId> {
    SOUGHT.try_with(|own| own.replace(sought)).ok().flatten()
}

/// One question for a source. It ends also if the answer is a panic.
struct Search {
    before: Option<TypeId>,
}

impl Search {
    fn start(sought: TypeId) -> Self {
        Self { before: replace(Some(sought)) }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        replace(self.before);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::io;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::circuit::{CallError, Rejected, TimedOut};
    use crate::rules::{Refusal, RejectedReason};
    use crate::settings::Name;

    /// A wrapper with a way of its own to answer for its source.
    struct Wrapper<E>(E, fn(&E) -> Option<&(dyn Error + 'static)>);

    impl<E> fmt::Debug for Wrapper<E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Wrapper")
        }
    }

    impl<E> fmt::Display for Wrapper<E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl<E> Error for Wrapper<E> {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1(&self.0)
        }
    }

    fn transparent<E: Error + 'static>(error: E) -> Wrapper<E> {
        Wrapper(error, E::source)
    }

    fn around<E: Error + 'static>(error: E) -> Wrapper<E> {
        Wrapper(error, |error| Some(error))
    }

    fn rejected() -> Rejected {
        Rejected::new(Name::Static("billing"), Refusal::new(RejectedReason::ForcedOpen))
    }

    fn timed_out() -> TimedOut {
        TimedOut::new(Name::Static("billing"), Duration::from_secs(1))
    }

    fn is_found(error: impl Error + 'static) -> bool {
        Rejected::find_in(&error) == Some(&rejected())
    }

    #[test]
    fn a_refusal_is_found_in_every_wrapper_with_a_source() {
        assert!(is_found(rejected()));
        assert!(is_found(around(rejected())));
        assert!(is_found(transparent(rejected())));
        assert!(is_found(Box::new(rejected())));
        assert!(is_found(Arc::new(rejected())));
        assert!(is_found(io::Error::from(rejected())));
        assert!(is_found(CallError::<io::Error>::Rejected(rejected())));
        assert!(is_found(CallError::Failed(io::Error::from(rejected()))));
        assert!(is_found(around(transparent(Arc::new(io::Error::other(around(transparent(
            rejected()
        ))))))));
    }

    #[test]
    fn a_timeout_is_found_as_a_refusal_is_and_neither_for_the_other() {
        let late = CallError::<io::Error>::TimedOut(timed_out());
        assert_eq!(TimedOut::find_in(&transparent(late)), Some(&timed_out()));
        assert!(!is_found(around(transparent(timed_out()))));
        assert_eq!(TimedOut::find_in(&io::Error::from(rejected())), None);
    }

    #[test]
    fn what_kept_only_the_text_or_has_no_source_is_not_looked_into() {
        assert!(!is_found(io::Error::other(rejected().to_string())));
        assert!(!is_found(Wrapper(rejected(), |_| None)));
    }

    #[test]
    fn outside_of_a_search_there_is_no_source() {
        assert!(rejected().source().is_none() && timed_out().source().is_none());
        assert!(is_found(transparent(rejected())));
        assert!(transparent(rejected()).source().is_none(), "the search is over");
        assert!(!is_found(around(timed_out())));
        assert!(transparent(rejected()).source().is_none(), "one that found nothing, too");
    }

    #[test]
    fn a_source_that_walks_to_the_root_comes_to_an_end() {
        let walks = Wrapper(transparent(rejected()), |error| {
            let mut root: &(dyn Error + 'static) = error;
            while let Some(source) = root.source() {
                root = source;
            }
            Some(root)
        });
        assert!(is_found(walks));
    }

    #[test]
    fn a_source_that_searches_itself_or_panics_disturbs_no_search() {
        let searches = Wrapper(rejected(), |error| {
            assert_eq!(TimedOut::find_in(&around(rejected())), None);
            error.source()
        });
        assert!(is_found(searches));
        let panics = Wrapper((), |()| resume_unwind(Box::new("no source")));
        assert!(catch_unwind(AssertUnwindSafe(|| Rejected::find_in(&panics).is_some())).is_err());
        assert!(rejected().source().is_none());
    }
}
