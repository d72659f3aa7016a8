//! Without feature `test-util`, every thread has the registry of the process.

use super::Registry;

#[inline]
pub(super) fn registry() -> Option<&'static Registry> {
    None
}
