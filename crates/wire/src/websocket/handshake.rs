//! The opening handshake (RFC 6455 §4.2), from the values of a request's
//! header fields.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest, Sha1};
use thiserror::Error;

/// RFC 6455 §1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// RFC 6455 §4.1: the key is a nonce of 16 bytes.
const KEY_BYTES: usize = 16;
/// Some clients make the key up as 22 letters: the unused bits of the last one
/// are then not zero, and do no harm.
const KEY: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What a request says about its wish to become a WebSocket.
#[derive(Debug, Clone, Copy)]
pub struct UpgradeRequest<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// Whether the request is HTTP/1.1: neither 1.0 nor 2 know this upgrade.
    pub is_http_1_1: bool,
    /// The field `Upgrade`.
    pub upgrade: Option<&'a str>,
    /// The field `Connection`.
    pub connection: Option<&'a str>,
    /// The field `Sec-WebSocket-Version`.
    pub version: Option<&'a str>,
    /// The field `Sec-WebSocket-Key`.
    pub key: Option<&'a str>,
}

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// Not a GET.
    #[error("a WebSocket is opened by GET")]
    Method,
    /// HTTP/1.0, for example.
    #[error("a WebSocket is opened by an HTTP/1.1 request")]
    HttpVersion,
    /// An ordinary request.
    #[error("this address speaks WebSocket: the request needs Connection: Upgrade and Upgrade: websocket")]
    NoUpgrade,
    /// Another version, or none.
    #[error("Sec-WebSocket-Version must be 13")]
    Version,
    /// None, or not 16 bytes in base64.
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
}

impl HandshakeError {
    /// The HTTP status of the answer. 426 goes with `Upgrade: websocket`,
    /// `Connection: Upgrade` and `Sec-WebSocket-Version: 13`.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            // RFC 9110 §15.5.22; for the version RFC 6455 §4.4.
            Self::HttpVersion | Self::NoUpgrade | Self::Version => 426,
            Self::Key => 400,
        }
    }
}

/// Checks a request; returns the value of `Sec-WebSocket-Accept`.
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn check(request: &UpgradeRequest<'_>) -> Result<String, HandshakeError> {
    if request.method != "GET" {
        return Err(HandshakeError::Method);
    }
    if !request.is_http_1_1 {
        return Err(HandshakeError::HttpVersion);
    }
    if !has_token(request.connection, "upgrade") || !has_token(request.upgrade, "websocket") {
        return Err(HandshakeError::NoUpgrade);
    }
    if request.version.map(str::trim) != Some("13") {
        return Err(HandshakeError::Version);
    }
    let key = request.key.map(str::trim).filter(|key| is_key(key)).ok_or(HandshakeError::Key)?;
    Ok(accept_key(key.as_bytes()))
}

/// The proof that the server has read the key (RFC 6455 §4.2.2, item 5.4).
#[must_use]
pub fn accept_key(key: &[u8]) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// RFC 9110 §5.6.1: a list is separated by commas; RFC 6455 §4.2.1: its
/// tokens are compared without regard to case.
fn has_token(list: Option<&str>, token: &str) -> bool {
    list.is_some_and(|list| list.split(',').any(|item| item.trim().eq_ignore_ascii_case(token)))
}

fn is_key(key: &str) -> bool {
    // The bound keeps a long header from being decoded at all.
    key.len() == KEY_BYTES.div_ceil(3) * 4 && KEY.decode(key).is_ok_and(|nonce| nonce.len() == KEY_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §1.2.
    const GOOD: UpgradeRequest<'static> = UpgradeRequest {
        method: "GET",
        is_http_1_1: true,
        upgrade: Some("websocket"),
        connection: Some("Upgrade"),
        version: Some("13"),
        key: Some("dGhlIHNhbXBsZSBub25jZQ=="),
    };

    #[track_caller]
    fn check_accepted(request: &UpgradeRequest<'_>) {
        assert_eq!(check(request).as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[track_caller]
    fn check_refused(request: &UpgradeRequest<'_>, expected: HandshakeError, status: u16) {
        let error = check(request).unwrap_err();
        assert_eq!((error, error.status()), (expected, status));
    }

    #[test]
    fn the_sample_of_the_standard_is_accepted() {
        check_accepted(&GOOD);
    }

    #[test]
    fn tokens_are_found_in_lists_whatever_their_case() {
        check_accepted(&UpgradeRequest {
            connection: Some("keep-alive, UPGRADE"),
            upgrade: Some("h2c ,WebSocket"),
            ..GOOD
        });
    }

    #[test]
    fn a_part_of_a_token_is_no_token() {
        check_refused(&UpgradeRequest { upgrade: Some("websockets"), ..GOOD }, HandshakeError::NoUpgrade, 426);
    }

    #[test]
    fn a_get_without_upgrade_is_told_to_upgrade() {
        check_refused(&UpgradeRequest { upgrade: None, ..GOOD }, HandshakeError::NoUpgrade, 426);
        check_refused(&UpgradeRequest { connection: None, ..GOOD }, HandshakeError::NoUpgrade, 426);
    }

    #[test]
    fn a_post_with_upgrade_is_not_allowed() {
        check_refused(&UpgradeRequest { method: "POST", ..GOOD }, HandshakeError::Method, 405);
    }

    #[test]
    fn another_version_is_told_the_right_one() {
        check_refused(&UpgradeRequest { version: Some("8"), ..GOOD }, HandshakeError::Version, 426);
        check_refused(&UpgradeRequest { version: None, ..GOOD }, HandshakeError::Version, 426);
    }

    #[test]
    fn http_1_0_is_told_to_upgrade() {
        check_refused(&UpgradeRequest { is_http_1_1: false, ..GOOD }, HandshakeError::HttpVersion, 426);
    }

    #[test]
    fn a_missing_key_is_a_bad_request() {
        check_refused(&UpgradeRequest { key: None, ..GOOD }, HandshakeError::Key, 400);
    }

    #[test]
    fn a_key_that_is_not_16_bytes_is_a_bad_request() {
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "AAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA=",
            "!!!!!!!!!!!!!!!!!!!!!!==",
        ] {
            check_refused(&UpgradeRequest { key: Some(key), ..GOOD }, HandshakeError::Key, 400);
        }
    }

    #[test]
    fn a_key_with_stray_bits_in_its_last_letter_is_accepted() {
        assert!(check(&UpgradeRequest { key: Some("abcdefghijklmnopqrstuv=="), ..GOOD }).is_ok());
    }
}
