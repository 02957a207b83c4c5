//! For orchestrators: is the program alive, and does it take work?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::app::App;
use crate::store;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    /// Where messages are kept …
    history: &'static str,
    /// … and what they survive once they are acked.
    durability: &'static str,
}

impl Health {
    fn new(status: &'static str, app: &App) -> Json<Self> {
        let history = store::name(&app.config.history);
        Json(Self { status, history, durability: store::durability(app.hub.store().as_ref()).name() })
    }
}

/// `GET /health/live`: the program runs.
pub(crate) async fn live(State(app): State<Arc<App>>) -> Response {
    Health::new("live", &app).into_response()
}

/// `GET /health/ready`: it takes connections and stores messages; 503 once it
/// is stopping or the store does not answer.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, Health::new("stopping", &app)).into_response();
    }
    if !app.hub.store().is_available() {
        return (StatusCode::SERVICE_UNAVAILABLE, Health::new("store_down", &app)).into_response();
    }
    Health::new("ready", &app).into_response()
}
