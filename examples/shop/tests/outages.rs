//! What the shop does while a dependency fails. Each test has circuits of its own, and moves their clock.

use std::time::Duration;

use breaker_runtime::testing::{self, Isolated};
use breaker_runtime::{State, registry};
use breaker_shop::customers::{Customer, Tally};
use breaker_shop::server::Server;
use breaker_shop::shop::{Delivery, Price, Product, STANDARD_DAYS};
use breaker_shop::story::{Story, Teller};
use breaker_shop::timeline::Timeline;
use breaker_shop::world::{Health, Redis, World};
use futures_util::future::join_all;
use redis::AsyncCommands;
use reqwest::{Response, StatusCode};
use tokio::time::{interval, timeout};

const COOLDOWN: Duration = Duration::from_secs(1);
/// How often the clock of the circuits is moved while a story is told.
const TICK: Duration = Duration::from_millis(10);
/// Far longer than a new connection takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Enough pieces that no test sells them all.
const PLENTY: u32 = 1000;

struct Open {
    test: Isolated,
    world: World,
    redis: Health,
    server: Server,
}

/// A shop with the given number of pieces of each product.
async fn open(pieces: u32) -> Open {
    let test = testing::isolate();
    let (stand_in, redis) = Redis::stand_in().await.unwrap();
    let world = World::start(stand_in, pieces).await.unwrap();
    let server = Server::start(&world, Story::default(), 0).await.unwrap();
    Open { test, world, redis, server }
}

impl Open {
    async fn get(&self, path: &str) -> Response {
        reqwest::get(format!("{}{path}", self.server.url())).await.unwrap()
    }

    async fn product(&self, sku: &str) -> Product {
        self.get(&format!("/products/{sku}")).await.json().await.unwrap()
    }

    async fn buy(&self, sku: &str, pay: &str) -> Response {
        let url = format!("{}/checkout/{sku}?pay={pay}", self.server.url());
        reqwest::Client::new().post(url).send().await.unwrap()
    }

    async fn stock(&self, sku: &str) -> i64 {
        self.redis().await.get(format!("stock:{sku}")).await.unwrap()
    }

    async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.world.redis.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }
}

fn not_closed() -> Vec<String> {
    let circuits = registry().snapshot().circuits.into_iter();
    circuits.filter(|circuit| circuit.state != State::Closed).map(|circuit| circuit.name).collect()
}

#[tokio::test]
async fn only_the_circuit_of_the_host_that_fails_opens() {
    let shop = open(PLENTY).await;
    shop.world.card.health.fall_ill();
    for _ in 0..3 {
        assert_eq!(shop.buy("apple", "card").await.status(), StatusCode::BAD_GATEWAY);
    }
    assert_eq!(not_closed(), ["payments/card.example"]);
    let refused = shop.buy("apple", "card").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(shop.buy("apple", "bank").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_nobody_paid_for_stays_in_stock() {
    let shop = open(3).await;
    shop.world.card.health.fall_ill();
    for _ in 0..4 {
        shop.buy("apple", "card").await; // the last is refused
    }
    assert_eq!(shop.stock("apple").await, 3);
    shop.buy("apple", "bank").await;
    assert_eq!(shop.stock("apple").await, 2);
}

#[tokio::test]
async fn two_good_probes_close_the_circuit_again() {
    let shop = open(PLENTY).await;
    shop.world.card.health.fall_ill();
    for _ in 0..3 {
        shop.buy("apple", "card").await;
    }
    shop.world.card.health.recover();
    shop.test.advance(COOLDOWN);
    for _ in 0..2 {
        assert_eq!(shop.buy("apple", "card").await.status(), StatusCode::OK);
    }
    assert!(not_closed().is_empty());
    assert_eq!(
        shop.test.transitions("payments/card.example"),
        "closed -> open -> half_open -> closed"
    );
}

#[tokio::test]
async fn old_prices_answer_while_the_price_host_fails() {
    let shop = open(PLENTY).await;
    assert_eq!(shop.product("apple").await.price, Price { cents: 99, is_old: false });
    shop.world.prices.health.fall_ill();
    for _ in 0..4 {
        assert_eq!(shop.product("apple").await.price, Price { cents: 99, is_old: true });
    }
    assert_eq!(not_closed(), ["prices"]);
    // Nobody has asked for it before, so there is no old price.
    assert_eq!(shop.get("/products/lamp").await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_product_that_there_is_not_is_an_answer() {
    let shop = open(PLENTY).await;
    for _ in 0..4 {
        assert_eq!(shop.get("/products/unicorn").await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(shop.test.circuit("prices").snapshot().calls.success, 4);
}

#[tokio::test]
async fn standard_delivery_is_promised_while_the_carrier_fails() {
    let shop = open(PLENTY).await;
    assert_eq!(shop.product("apple").await.delivery, Delivery { days: 2, is_standard: false });
    shop.world.carrier.health.fall_ill();
    for _ in 0..4 {
        let standard = Delivery { days: STANDARD_DAYS, is_standard: true };
        assert_eq!(shop.product("apple").await.delivery, standard);
    }
    assert_eq!(not_closed(), ["carrier"]);
}

#[tokio::test]
async fn a_command_that_redis_does_not_like_is_no_illness() {
    let shop = open(PLENTY).await;
    let () = shop.redis().await.set("stock:apple", "plenty").await.unwrap();
    for _ in 0..6 {
        assert_eq!(shop.buy("apple", "bank").await.status(), StatusCode::BAD_GATEWAY);
    }
    assert_eq!(shop.test.circuit("redis").snapshot().calls.ignored, 6);
    assert!(not_closed().is_empty());
}

#[tokio::test]
async fn a_sold_out_product_is_no_illness() {
    let shop = open(3).await;
    for _ in 0..3 {
        assert_eq!(shop.buy("lamp", "bank").await.status(), StatusCode::OK);
    }
    for _ in 0..6 {
        assert_eq!(shop.buy("lamp", "bank").await.status(), StatusCode::CONFLICT);
    }
    assert!(not_closed().is_empty());
}

#[tokio::test]
async fn without_redis_the_shop_shows_pages_and_sells_nothing() {
    let shop = open(PLENTY).await;
    shop.product("apple").await;
    shop.redis.fall_ill();
    for _ in 0..6 {
        assert_eq!(shop.product("apple").await.price, Price { cents: 99, is_old: false });
    }
    assert_eq!(not_closed(), ["redis"]);
    let refused = shop.buy("apple", "bank").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    shop.redis.recover();
    shop.test.advance(COOLDOWN);
    // The first command may find a dead connection, and spends its probe.
    let recovery = async {
        while !not_closed().is_empty() {
            shop.product("apple").await;
            shop.test.advance(COOLDOWN);
        }
    };
    timeout(PATIENCE, recovery).await.unwrap();
    assert_eq!(shop.buy("apple", "bank").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn functions_that_share_a_circuit_agree_about_it() {
    let _shop = open(PLENTY).await;
    testing::assert_no_conflicts();
}

#[tokio::test]
async fn a_crowd_at_slow_payments_is_asked_to_come_back_and_no_circuit_opens() {
    let shop = open(PLENTY).await;
    shop.world.card.health.slow_down();
    shop.world.bank.health.slow_down();
    let mut crowd = Customer::crowd(&shop.server.url(), 40);
    let mut tally = Tally::default();
    for visit in join_all(crowd.iter_mut().map(Customer::visit)).await {
        tally.add(visit);
    }
    assert!(tally.by_card + tally.by_bank > 0 && tally.refused > 0, "{tally}");
    assert!(not_closed().is_empty());
}

#[tokio::test]
async fn every_step_of_the_story_comes_true() {
    let shop = open(PLENTY).await;
    let story = Story::default();
    let mut teller = Teller::new(&story, &shop.world, &shop.server.url(), Timeline::begin());
    let clock = async {
        let mut ticks = interval(TICK);
        loop {
            ticks.tick().await;
            shop.test.advance(COOLDOWN / 10);
        }
    };
    tokio::select! {
        told = teller.tell(Duration::ZERO) => assert_eq!(told, Ok(())),
        () = clock => {}
    }
    let view = story.view();
    assert_eq!(view.place, "after");
    for step in view.steps {
        assert_eq!((step.state, step.missing), ("true", None), "{}", step.title);
    }
    assert!(not_closed().is_empty());
}

#[tokio::test]
async fn a_step_that_does_not_come_true_fails_and_says_what_was_expected() {
    let shop = open(0).await; // with nothing in stock, nobody pays, and no payment fails
    let story = Story::default();
    let mut teller = Teller::new(&story, &shop.world, &shop.server.url(), Timeline::begin());
    let untrue = teller.tell(Duration::ZERO).await.unwrap_err();
    assert!(untrue.contains("expected [\"payments/card.example\"] to be open"), "{untrue}");
    let outage = story.view().steps.remove(0);
    assert_eq!((outage.state, outage.missing), ("untrue", Some(untrue)));
}
