//! A shop made of axum, reqwest, tonic and redis, whose dependencies fail and recover.
//!
//! | to see | read |
//! |---|---|
//! | the routes; a limit in front of one; metrics | `shop.rs` |
//! | a function with a time limit and a fallback | `shop/prices.rs` |
//! | reqwest with a circuit per host | `shop/payments.rs` |
//! | a gRPC client behind a layer | `shop/shipping.rs` |
//! | redis, and which of its errors are no illness | `shop/store.rs` |
//! | how a refusal becomes 503 with `Retry-After` | `shop/error.rs` |
//! | the pages, and a shutdown that they do not delay | `server.rs` |
//! | the dashboard in a page of one's own | `tour.rs`, `tour/page.html` |
//! | the story, step by step; an override for a time | `story/steps.rs` |
//! | who makes it happen, and tells it | `story/teller.rs` |
//! | who visits the shop | `customers.rs` |
//! | the dependencies, which can be made to fail | `world.rs` |
//! | how tests open circuits without waiting | `tests/outages.rs` |

pub mod customers;
pub mod rpc;
pub mod server;
pub mod shop;
pub mod story;
pub mod timeline;
pub mod tour;
pub mod world;
