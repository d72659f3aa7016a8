//! Programs that the attribute accepts: they compile, run, and count as they say. All are in one process, so no two of
//! them name the same circuit.
#![deny(future_incompatible)]
#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    missing_docs,
    reason = "they are written as users write"
)]
#![allow(unreachable_pub, unused_braces, reason = "and each is a program of its own")]

mod common;

#[path = "accepted/a_config_beside_options_of_the_function.rs"]
pub mod a_config_beside_options_of_the_function;
#[path = "accepted/a_free_function_that_tracks_its_caller.rs"]
pub mod a_free_function_that_tracks_its_caller;
#[path = "accepted/a_name_that_holds_anything_printable.rs"]
pub mod a_name_that_holds_anything_printable;
#[path = "accepted/a_runtime_under_another_path.rs"]
pub mod a_runtime_under_another_path;
#[path = "accepted/a_time_window_or_a_count.rs"]
pub mod a_time_window_or_a_count;
#[path = "accepted/aliases_of_boxed_futures.rs"]
pub mod aliases_of_boxed_futures;
#[path = "accepted/aliases_of_boxed_streams.rs"]
pub mod aliases_of_boxed_streams;
#[path = "accepted/all_warnings_denied.rs"]
pub mod all_warnings_denied;
#[path = "accepted/an_error_that_is_not_send_in_a_future_that_is.rs"]
pub mod an_error_that_is_not_send_in_a_future_that_is;
#[path = "accepted/arguments_kept_for_a_fallback.rs"]
pub mod arguments_kept_for_a_fallback;
#[path = "accepted/bounds_of_guarded_futures.rs"]
pub mod bounds_of_guarded_futures;
#[path = "accepted/bounds_of_guarded_streams.rs"]
pub mod bounds_of_guarded_streams;
#[path = "accepted/bulkheads_of_every_form.rs"]
pub mod bulkheads_of_every_form;
#[path = "accepted/call_timeouts_of_every_form.rs"]
pub mod call_timeouts_of_every_form;
#[path = "accepted/configs_of_every_form.rs"]
pub mod configs_of_every_form;
#[path = "accepted/describe_error_of_every_form.rs"]
pub mod describe_error_of_every_form;
#[path = "accepted/durations_and_numbers_of_every_form.rs"]
pub mod durations_and_numbers_of_every_form;
#[path = "accepted/every_option_at_once.rs"]
pub mod every_option_at_once;
#[path = "accepted/failures_of_panics.rs"]
pub mod failures_of_panics;
#[path = "accepted/fallbacks_of_every_form.rs"]
pub mod fallbacks_of_every_form;
#[path = "accepted/fallbacks_of_streams.rs"]
pub mod fallbacks_of_streams;
#[path = "accepted/fleet.rs"]
pub mod fleet;
#[path = "accepted/functions_made_by_macro_rules.rs"]
pub mod functions_made_by_macro_rules;
#[path = "accepted/functions_that_share_a_config.rs"]
pub mod functions_that_share_a_config;
#[path = "accepted/futures_by_way_of_another_trait.rs"]
pub mod futures_by_way_of_another_trait;
#[path = "accepted/futures_of_associated_types.rs"]
pub mod futures_of_associated_types;
#[path = "accepted/futures_of_every_look.rs"]
pub mod futures_of_every_look;
#[path = "accepted/futures_that_borrow_are_send.rs"]
pub mod futures_that_borrow_are_send;
#[path = "accepted/generic_functions.rs"]
pub mod generic_functions;
#[path = "accepted/generic_streams.rs"]
pub mod generic_streams;
#[path = "accepted/hung_calls_and_recovery_of_every_form.rs"]
pub mod hung_calls_and_recovery_of_every_form;
#[path = "accepted/keys_of_every_form.rs"]
pub mod keys_of_every_form;
#[path = "accepted/methods_with_every_receiver.rs"]
pub mod methods_with_every_receiver;
#[path = "accepted/named_futures_without_a_prelude.rs"]
pub mod named_futures_without_a_prelude;
#[path = "accepted/names_from_constants.rs"]
pub mod names_from_constants;
#[path = "accepted/names_of_the_standard_library_shadowed.rs"]
pub mod names_of_the_standard_library_shadowed;
#[path = "accepted/on_cancel_of_every_form.rs"]
pub mod on_cancel_of_every_form;
#[path = "accepted/open_for_of_every_form.rs"]
pub mod open_for_of_every_form;
#[path = "accepted/options_beside_a_config.rs"]
pub mod options_beside_a_config;
#[path = "accepted/options_of_streams.rs"]
pub mod options_of_streams;
#[path = "accepted/return_types_that_hold_a_refusal.rs"]
pub mod return_types_that_hold_a_refusal;
#[path = "accepted/streams_by_way_of_another_trait.rs"]
pub mod streams_by_way_of_another_trait;
#[path = "accepted/streams_made_by_macro_rules.rs"]
pub mod streams_made_by_macro_rules;
#[path = "accepted/streams_of_associated_types.rs"]
pub mod streams_of_associated_types;
#[path = "accepted/streams_of_every_look.rs"]
pub mod streams_of_every_look;
#[path = "accepted/streams_of_methods_and_traits.rs"]
pub mod streams_of_methods_and_traits;
#[path = "accepted/streams_of_runtimes_under_another_path.rs"]
pub mod streams_of_runtimes_under_another_path;
#[path = "accepted/streams_with_all_warnings_denied.rs"]
pub mod streams_with_all_warnings_denied;
#[path = "accepted/streams_without_a_prelude.rs"]
pub mod streams_without_a_prelude;
#[path = "accepted/sync_and_async_functions.rs"]
pub mod sync_and_async_functions;
#[path = "accepted/trait_methods_with_a_body.rs"]
pub mod trait_methods_with_a_body;
#[path = "accepted/two_functions_that_share_a_name.rs"]
pub mod two_functions_that_share_a_name;
#[path = "accepted/values_with_futures_in_their_names.rs"]
pub mod values_with_futures_in_their_names;
#[path = "accepted/values_with_streams_in_their_names.rs"]
pub mod values_with_streams_in_their_names;
#[path = "accepted/what_counts_where_there_is_no_error.rs"]
pub mod what_counts_where_there_is_no_error;
