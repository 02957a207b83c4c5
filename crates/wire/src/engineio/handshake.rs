//! Requests: which transport, which session, and what is wrong with them.

use bytes::BytesMut;
use serde::Serialize;
use thiserror::Error;

use crate::json;

/// How a session's packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One HTTP request after another.
    Polling,
    /// A WebSocket.
    WebSocket,
}

impl Transport {
    /// The query's `transport`.
    ///
    /// # Errors
    ///
    /// When it is missing or another one.
    pub fn parse(name: Option<&str>) -> Result<Self, RequestError> {
        match name {
            Some("polling") => Ok(Self::Polling),
            Some("websocket") => Ok(Self::WebSocket),
            _ => Err(RequestError::UnknownTransport),
        }
    }
}

/// Why a request is refused, always with status 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Neither `polling` nor `websocket`.
    #[error("Transport unknown")]
    UnknownTransport,
    /// No session of that id: it has ended, moved to a WebSocket, or was
    /// never here.
    #[error("Session ID unknown")]
    UnknownSession,
    /// A session that is polled is at one node only.
    #[error("Session ID of another node: have all requests of a session reach the same one, or use WebSocket")]
    SessionElsewhere,
    /// A session begins with a GET.
    #[error("Bad handshake method")]
    BadHandshakeMethod,
    /// Anything else that makes no sense.
    #[error("Bad request")]
    BadRequest,
    /// Not a version that is spoken here.
    #[error("Unsupported protocol version")]
    UnsupportedVersion,
}

impl RequestError {
    /// The number that clients know it by.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSession | Self::SessionElsewhere => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::UnsupportedVersion => 5,
        }
    }

    /// The body of the answer, as JSON.
    #[must_use]
    pub fn to_json(self) -> String {
        format!(r#"{{"code":{},"message":"{self}"}}"#, self.code())
    }

    /// Checks the query's `EIO` of a request that begins a session.
    ///
    /// # Errors
    ///
    /// When it is not 4.
    pub fn check_version(version: Option<&str>) -> Result<(), Self> {
        if version == Some("4") { Ok(()) } else { Err(Self::UnsupportedVersion) }
    }
}

/// What a new session is told.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open<'a> {
    /// The session's id and credential.
    pub sid: &'a str,
    /// Where it may move to.
    pub upgrades: &'a [&'a str],
    /// Milliseconds between pings.
    pub ping_interval: u64,
    /// Milliseconds within which a ping is to be answered.
    pub ping_timeout: u64,
    /// Bytes of a body, or of a WebSocket message.
    pub max_payload: usize,
}

impl Open<'_> {
    /// Appends the packet as text.
    pub fn put(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"0");
        json::put(out, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_opened_as_the_specification_shows() {
        let mut out = BytesMut::new();
        let (ping_interval, ping_timeout, max_payload) = (25_000, 20_000, 1_000_000);
        Open { sid: "lv_VI97HAXpY6yYWAAAC", upgrades: &["websocket"], ping_interval, ping_timeout, max_payload }
            .put(&mut out);
        assert_eq!(
            &out[..],
            br#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
        );
    }

    #[test]
    fn errors_have_the_numbers_that_clients_know() {
        assert_eq!(Transport::parse(None), Err(RequestError::UnknownTransport));
        assert_eq!(
            RequestError::check_version(Some("3")).unwrap_err().to_json(),
            r#"{"code":5,"message":"Unsupported protocol version"}"#
        );
        assert_eq!(RequestError::UnknownSession.to_json(), r#"{"code":1,"message":"Session ID unknown"}"#);
    }
}
