//! Paths that clients are told.

use hub::BlobId;

/// Where a shared negative can be fetched, relative to our origin.
#[must_use]
pub(crate) fn image_path(base_path: &str, blob: &BlobId) -> String {
    format!("{base_path}/images/{}", blob.0)
}
