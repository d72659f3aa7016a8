//! The page that tells the story beside the dashboard, and what it asks for.

mod gate;

use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use self::gate::{deliberate, expected};
use crate::story::{Story, View, Wish};

/// The page runs its own files, shows the dashboard of its own origin, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// The routes of the tour.
pub fn router(story: Story) -> Router {
    let wishes = post(wish).layer(from_fn(deliberate));
    Router::new()
        .route("/", get(async || file("text/html", include_str!("tour/page.html"))))
        .route("/tour/tour.css", get(async || file("text/css", include_str!("tour/tour.css"))))
        .route("/tour/tour.js", get(async || file("text/javascript", include_str!("tour/tour.js"))))
        .route("/tour/story", get(view))
        .route("/tour/{wish}", wishes)
        .layer(from_fn(expected))
        .layer(map_response(async |response: Response| (HEADERS, response)))
        .with_state(story)
}

fn file(kind: &str, text: &'static str) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, format!("{kind}; charset=utf-8"))], text)
}

async fn view(State(story): State<Story>) -> Json<View> {
    Json(story.view())
}

async fn wish(
    State(story): State<Story>,
    Path(wish): Path<String>,
) -> Result<Json<View>, StatusCode> {
    story.wish(match wish.as_str() {
        "hold" => Wish::Hold,
        "go-on" => Wish::GoOn,
        "next" => Wish::Next,
        "again" => Wish::Again,
        _ => return Err(StatusCode::NOT_FOUND),
    });
    Ok(Json(story.view()))
}
