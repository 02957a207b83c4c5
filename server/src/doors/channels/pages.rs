//! The two pages of the Channels style chat.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use hub::RoomName;

use crate::doors::page;
use crate::error::ApiError;

#[derive(Debug, Template)]
#[template(path = "channels/index.html")]
struct Index<'a> {
    /// Where the server's root is, from this page.
    root: &'a str,
}

#[derive(Debug, Template)]
#[template(path = "channels/room.html")]
struct InRoom<'a> {
    root: &'a str,
    room: &'a str,
}

/// `GET /chat/`: to choose a room.
pub(crate) async fn choose_room() -> Response {
    page::html(&Index { root: ".." })
}

/// `GET /chat/<room>/`.
pub(crate) async fn show_room(Path(room): Path<String>) -> Result<Response, ApiError> {
    let room = RoomName::parse(&room)?;
    Ok(page::html(&InRoom { root: "../..", room: room.as_str() }))
}
