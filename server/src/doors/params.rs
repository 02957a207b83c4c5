//! What the URLs of several doors have in common.

use hub::{NameError, Offset, PersonName, Position, Since};
use wire::error_code::ErrorCode;

use crate::error::ApiError;
use crate::query::Query;

/// The room of those who name none.
pub(crate) const DEFAULT_ROOM: &str = "lobby";

/// `name`; who gives none is a guest.
pub(super) fn name(query: &Query) -> Result<PersonName, NameError> {
    query.get("name").filter(|name| !name.is_empty()).map_or_else(|| Ok(PersonName::guest()), PersonName::parse)
}

/// `since` and `epoch`; a position in no known life of the room is a position
/// all the same, and the answer is that it does not hold.
pub(super) fn since(query: &Query) -> Result<Since, ApiError> {
    let Some(offset) = query.get("since") else { return Ok(Since::Latest) };
    let offset = offset.parse().map_err(|_| ApiError::bad_request(ErrorCode::BadField, "since is not an offset"))?;
    Ok(match query.get("epoch").and_then(|epoch| epoch.parse().ok()) {
        Some(epoch) => Since::After(Position { offset: Offset(offset), epoch }),
        None => Since::Unknown,
    })
}
