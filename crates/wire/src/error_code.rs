//! The codes by which every door names what it refuses.

use serde::{Serialize, Serializer};

/// Why a message was refused while its connection lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Not JSON, or JSON of the wrong shape.
    BadJson,
    /// A `type` that the door does not know.
    UnknownType,
    /// A field is missing or of the wrong kind.
    BadField,
    /// A text, data or name above its own bound.
    TooLarge,
    /// More messages than the rate allows.
    RateLimited,
    /// Too much is under way; worth another try later.
    Overloaded,
    /// The history cannot be written.
    StoreDown,
    /// No further room can be opened.
    TooManyRooms,
    /// The bytes are no image.
    NotAnImage,
    /// An image whose kind is not inverted.
    ImageUnsupported,
    /// An image that is damaged or cut short.
    ImageBroken,
    /// An image with too many bytes, pixels or frames.
    ImageTooLarge,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::UnknownType => "unknown_type",
            Self::BadField => "bad_field",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::StoreDown => "store_down",
            Self::TooManyRooms => "too_many_rooms",
            Self::NotAnImage => "not_an_image",
            Self::ImageUnsupported => "image_unsupported",
            Self::ImageBroken => "image_broken",
            Self::ImageTooLarge => "image_too_large",
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
