//! A hundred annotated functions with a circuit each, none of them called yet: a first call happens once in
//! a process.

use breaker_runtime::circuit_breaker;

use crate::{Fault, work};

/// An annotated function.
pub type Site = fn(bool) -> Result<u64, Fault>;

macro_rules! sites {
    ($($function:ident $name:literal)*) => {
        $(
            #[circuit_breaker(
                name = $name,
                failure_rate = 0.5,
                window = 100,
                minimum_calls = 100
            )]
            #[inline(never)]
            fn $function(fails: bool) -> Result<u64, Fault> {
                work(fails)
            }
        )*

        /// The functions.
        pub static SITES: [Site; 100] = [$($function),*];
    };
}

#[rustfmt::skip]
sites! {
    s00 "benches.first.00" s01 "benches.first.01" s02 "benches.first.02" s03 "benches.first.03"
    s04 "benches.first.04" s05 "benches.first.05" s06 "benches.first.06" s07 "benches.first.07"
    s08 "benches.first.08" s09 "benches.first.09" s10 "benches.first.10" s11 "benches.first.11"
    s12 "benches.first.12" s13 "benches.first.13" s14 "benches.first.14" s15 "benches.first.15"
    s16 "benches.first.16" s17 "benches.first.17" s18 "benches.first.18" s19 "benches.first.19"
    s20 "benches.first.20" s21 "benches.first.21" s22 "benches.first.22" s23 "benches.first.23"
    s24 "benches.first.24" s25 "benches.first.25" s26 "benches.first.26" s27 "benches.first.27"
    s28 "benches.first.28" s29 "benches.first.29" s30 "benches.first.30" s31 "benches.first.31"
    s32 "benches.first.32" s33 "benches.first.33" s34 "benches.first.34" s35 "benches.first.35"
    s36 "benches.first.36" s37 "benches.first.37" s38 "benches.first.38" s39 "benches.first.39"
    s40 "benches.first.40" s41 "benches.first.41" s42 "benches.first.42" s43 "benches.first.43"
    s44 "benches.first.44" s45 "benches.first.45" s46 "benches.first.46" s47 "benches.first.47"
    s48 "benches.first.48" s49 "benches.first.49" s50 "benches.first.50" s51 "benches.first.51"
    s52 "benches.first.52" s53 "benches.first.53" s54 "benches.first.54" s55 "benches.first.55"
    s56 "benches.first.56" s57 "benches.first.57" s58 "benches.first.58" s59 "benches.first.59"
    s60 "benches.first.60" s61 "benches.first.61" s62 "benches.first.62" s63 "benches.first.63"
    s64 "benches.first.64" s65 "benches.first.65" s66 "benches.first.66" s67 "benches.first.67"
    s68 "benches.first.68" s69 "benches.first.69" s70 "benches.first.70" s71 "benches.first.71"
    s72 "benches.first.72" s73 "benches.first.73" s74 "benches.first.74" s75 "benches.first.75"
    s76 "benches.first.76" s77 "benches.first.77" s78 "benches.first.78" s79 "benches.first.79"
    s80 "benches.first.80" s81 "benches.first.81" s82 "benches.first.82" s83 "benches.first.83"
    s84 "benches.first.84" s85 "benches.first.85" s86 "benches.first.86" s87 "benches.first.87"
    s88 "benches.first.88" s89 "benches.first.89" s90 "benches.first.90" s91 "benches.first.91"
    s92 "benches.first.92" s93 "benches.first.93" s94 "benches.first.94" s95 "benches.first.95"
    s96 "benches.first.96" s97 "benches.first.97" s98 "benches.first.98" s99 "benches.first.99"
}
