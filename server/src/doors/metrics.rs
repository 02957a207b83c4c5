//! For Prometheus: how much of what happened.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

use crate::app::App;

/// `GET /metrics`.
pub(crate) async fn show(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], app.metrics.to_text()).into_response()
}
