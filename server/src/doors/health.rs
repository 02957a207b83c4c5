//! For orchestrators: is the program alive, and does it take work?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::app::App;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    history: &'static str,
}

/// `GET /health/live`: the program runs.
pub(crate) async fn live() -> Response {
    Json(Health { status: "live", history: "memory" }).into_response()
}

/// `GET /health/ready`: it takes connections and stores messages; 503 once it
/// is stopping.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.stop.is_cancelled() {
        let health = Health { status: "stopping", history: "memory" };
        return (StatusCode::SERVICE_UNAVAILABLE, Json(health)).into_response();
    }
    Json(Health { status: "ready", history: "memory" }).into_response()
}
