//! What the page of the story reads, and who may hold it.

use breaker_shop::server::Server;
use breaker_shop::story::{STEPS, Story};
use breaker_shop::world::{Redis, World};
use reqwest::{Client, RequestBuilder, StatusCode};

struct Open {
    _world: World,
    story: Story,
    server: Server,
}

async fn open() -> Open {
    let (redis, _) = Redis::stand_in().await.unwrap();
    let world = World::start(redis, 3).await.unwrap();
    let story = Story::default();
    let server = Server::start(&world, story.clone(), 0).await.unwrap();
    Open { _world: world, story, server }
}

impl Open {
    /// An order without what protects it.
    fn order(&self, wish: &str) -> RequestBuilder {
        Client::new().post(format!("{}/tour/{wish}", self.server.url()))
    }

    async fn status(request: RequestBuilder) -> StatusCode {
        request.send().await.unwrap().status()
    }
}

#[test]
fn each_step_quotes_its_code_and_marks_one_line() {
    for step in STEPS {
        let lines = step.code.lines();
        let marked: Vec<_> = lines.iter().filter(|line| line.is_marked).collect();
        assert_eq!(marked.len(), 1, "{}", step.title);
        assert!(marked[0].text.contains(step.code.marked), "{}", step.title);
        assert!(lines.last().unwrap().text.contains(step.code.to), "{}", step.title);
    }
}

#[test]
fn the_steps_are_an_outage_a_refusal_a_fallback_a_recovery_and_an_override() {
    let titles = STEPS.map(|step| step.title);
    assert_eq!(titles, ["An outage", "A refusal", "A fallback", "A recovery", "An override"]);
}

#[tokio::test]
async fn the_story_is_there_as_json() {
    let shop = open().await;
    let answer = reqwest::get(format!("{}/tour/story", shop.server.url())).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let text = answer.text().await.unwrap();
    assert!(text.starts_with(r#"{"place":"before","step":null,"is_held":false,"left":null"#));
    for step in STEPS {
        assert!(text.contains(&format!(r#""title":"{}""#, step.title)), "{}", step.title);
    }
}

#[tokio::test]
async fn a_reader_can_hold_the_story_and_let_it_go_on() {
    let shop = open().await;
    for (wish, is_held) in [("hold", true), ("go-on", false)] {
        let answer = Open::status(shop.order(wish).header("x-shop-tour", "1")).await;
        assert_eq!(answer, StatusCode::OK);
        assert_eq!(shop.story.view().is_held, is_held);
    }
    let unknown = shop.order("burn-down").header("x-shop-tour", "1");
    assert_eq!(Open::status(unknown).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_of_other_sites_cannot_hold_the_story() {
    let shop = open().await;
    assert_eq!(Open::status(shop.order("hold")).await, StatusCode::FORBIDDEN);
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("host", "evil.example"),
    ] {
        let order = shop.order("hold").header("x-shop-tour", "1").header(name, value);
        assert_eq!(Open::status(order).await, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert!(!shop.story.view().is_held);
    let own = shop.order("hold").header("x-shop-tour", "1").header("origin", shop.server.url());
    assert_eq!(Open::status(own).await, StatusCode::OK);
}

#[tokio::test]
async fn a_name_that_was_made_to_resolve_to_this_machine_reads_nothing() {
    let shop = open().await;
    for path in ["/", "/tour/story", "/tour/tour.js"] {
        let url = format!("{}{path}", shop.server.url());
        let request = Client::new().get(&url).header("host", "evil.example");
        assert_eq!(Open::status(request).await, StatusCode::FORBIDDEN, "{path}");
        let request = Client::new().get(&url).header("host", "localhost:3030");
        assert_eq!(Open::status(request).await, StatusCode::OK, "{path}");
    }
}
