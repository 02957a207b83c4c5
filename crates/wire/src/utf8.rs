//! Bytes that are known to be text.

use std::str::{self, Utf8Error};

use bytes::Bytes;

/// Shared bytes that are UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Utf8(Bytes);

impl Utf8 {
    /// For callers that have checked every byte.
    pub(crate) fn from_checked(bytes: Bytes) -> Self {
        debug_assert!(str::from_utf8(&bytes).is_ok(), "the caller has checked");
        Self(bytes)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // A second check instead of `unsafe`; for ASCII it runs at memory speed.
        str::from_utf8(&self.0).expect("only checked bytes come in")
    }

    /// The text from the byte `start` on, no copy.
    ///
    /// # Panics
    ///
    /// When `start` is past the end; in debug builds also within a character.
    pub(crate) fn tail(&self, start: usize) -> Self {
        Self::from_checked(self.0.slice(start..))
    }

    /// The text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, no copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<String> for Utf8 {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for Utf8 {
    fn from(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }
}

impl From<Utf8> for Bytes {
    fn from(text: Utf8) -> Self {
        text.0
    }
}

impl TryFrom<Bytes> for Utf8 {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_becomes_text() {
        assert_eq!(Utf8::try_from(Bytes::from_static("blåbær".as_bytes())).unwrap().as_str(), "blåbær");
        assert!(Utf8::try_from(Bytes::from_static(b"bl\xe5b\xe6r")).is_err());
    }

    #[test]
    fn the_bytes_come_out_as_they_went_in() {
        let text = String::from("hei");
        let address = text.as_ptr();
        let bytes = Bytes::from(Utf8::from(text));
        assert_eq!((&bytes[..], bytes.as_ptr()), (&b"hei"[..], address));
    }
}
