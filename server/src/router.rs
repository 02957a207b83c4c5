//! Every route of the program.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Redirect;
use axum::routing::{any, get, post};

use crate::app::App;
use crate::doors::{channels, health, htmx, http, image, metrics, native, page, raw, socketio, sse};
use crate::peer::{count_client, same_origin_only};

/// The routes, under the base path.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let base_path = app.config.base_path.as_str();
    let at = |path: &str| format!("{base_path}{path}");
    let mut router = Router::new()
        .route(&at("/"), get(http::root).post(http::post_root))
        .route(&at("/assets/{*path}"), get(page::asset))
        // WebSockets answer every method themselves: what is no upgrade is told what it lacks.
        .route(&at("/ws"), any(native::open))
        .route(&at("/ws/image"), any(image::open))
        .route(&at("/ws/raw/{room}"), any(raw::open))
        .route(&at("/ws/chat/{room}/"), any(channels::open))
        .route(&at("/ws/htmx"), any(htmx::open))
        .route(&at("/chat/"), get(channels::choose_room))
        .route(&at("/chat/{room}/"), get(channels::show_room))
        .route(&at("/htmx"), get(htmx::show_page))
        .route(&at("/htmx/field"), get(htmx::field))
        // Engine.IO too: its errors are JSON of its own.
        .route(&at("/socket.io/"), any(socketio::open))
        .route(&at("/invert"), post(http::invert_image))
        .route(&at("/rooms/{room}/messages"), get(http::get_messages).post(http::post_message).delete(http::clear_room))
        .route(&at("/rooms/{room}/images"), post(http::share_image))
        .route(&at("/rooms/{room}/events"), get(sse::open))
        .route(&at("/images/{id}"), get(http::get_image))
        .route(&at("/health/live"), get(health::live))
        .route(&at("/health/ready"), get(health::ready))
        .route(&at("/metrics"), get(metrics::show));
    if !base_path.is_empty() {
        // The page's relative addresses need the slash.
        let page = at("/");
        router = router.route(base_path, get(async move || Redirect::permanent(&page)));
    }
    router
        .fallback(http::not_found)
        .layer(from_fn_with_state(Arc::clone(app), same_origin_only))
        .layer(from_fn_with_state(Arc::clone(app), count_client))
        .layer(from_fn(http::explain_to_htmx))
        .layer(map_response(http::no_sniff))
        .with_state(Arc::clone(app))
}
