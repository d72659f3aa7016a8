use std::fmt::Display;

use breaker_runtime::{Rejected, circuit_breaker};

#[circuit_breaker(name = "generic-gf")]
fn first<'a, T, E, const N: usize>(
    things: &'a [T; N],
    read: impl Fn(&T) -> Result<(), E>,
) -> Result<&'a T, E>
where
    T: Display + ?Sized + 'a,
    T: Sized,
    E: From<Rejected>,
{
    for thing in things {
        read(thing)?;
    }
    Ok(&things[0])
}

#[circuit_breaker(name = "kept", fallback = |_| Ok(thing))]
fn kept<T: Clone>(thing: T) -> Result<T, String> {
    drop(thing);
    Err("lost".to_owned())
}

#[circuit_breaker(name = "hidden-gf", fallback = Ok(Vec::new().into_iter()))]
fn hidden(skus: &[u32]) -> Result<impl Iterator<Item = u32> + use<>, String> {
    Ok(skus.to_vec().into_iter())
}

#[test]
fn it_compiles_and_runs() {
    let read = |_: &u8| Ok::<_, Rejected>(());
    assert_eq!(first(&[1, 2], read).ok(), Some(&1));
    assert_eq!(kept(7), Ok(7));
    assert_eq!(hidden(&[1]).unwrap().count(), 1);
}
