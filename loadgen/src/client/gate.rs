//! The way in: addresses, TLS, and the opening handshake (RFC 6455 §4.1).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{InvalidDnsNameError, ServerName};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use wire::websocket::handshake::accept_key;

use super::connection::{Connection, Stream};
use super::tls::{self, TlsError, TlsFiles};
use crate::seed::SplitMix;

/// The longest head of an answer.
const HEAD_MAX_BYTES: usize = 16 << 10;
/// Room for an answer at first: one read where the server says no more than most do.
const ANSWER_USUAL_BYTES: usize = 1 << 10;
/// Header fields of an answer that are looked at.
const FIELDS_MAX: usize = 64;
/// So much of a refusal is told.
const REFUSAL_MAX_CHARS: usize = 200;

/// What clients present at the door, from the arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Header fields, with `{room}` and `{client}` in their values.
    pub headers: Vec<(String, String)>,
    /// Offered, in order of preference.
    pub subprotocols: Vec<String>,
    /// Source addresses, used in turn.
    pub binds: Vec<IpAddr>,
    /// See [`TlsFiles`].
    pub tls: TlsFiles,
}

impl Access {
    /// What one client presents: its names in the header fields, its one source address.
    #[must_use]
    pub fn of(&self, client: u32, room: &str) -> Self {
        let binds = self.bind_of(client).into_iter().collect();
        Self { headers: self.headers_of(client, room).collect(), binds, ..self.clone() }
    }

    fn bind_of(&self, client: u32) -> Option<IpAddr> {
        self.binds.get(client as usize % self.binds.len().max(1)).copied()
    }

    fn headers_of(&self, client: u32, room: &str) -> impl Iterator<Item = (String, String)> {
        let client = client.to_string();
        let of = move |value: &str| value.replace("{room}", room).replace("{client}", &client);
        self.headers.iter().map(move |(name, value)| (name.clone(), of(value)))
    }
}

/// The server cannot be reached like this.
#[derive(Debug, Error)]
pub enum GateError {
    /// The address names no host.
    #[error("the address has no host")]
    NoHost,
    /// The host is not known.
    #[error("{host}: {source}")]
    Lookup {
        /// Its name.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A name that TLS cannot check.
    #[error(transparent)]
    Name(#[from] InvalidDnsNameError),
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Not in time.
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    /// Refused, reset, or TLS failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Who answers cannot be trusted.
    #[error("{0} (--ca FILE trusts further certificates, --insecure takes any)")]
    Certificate(rustls::Error),
    /// The server does not upgrade.
    #[error("HTTP status {status} instead of 101{}{body}", if .body.is_empty() { "" } else { ": " })]
    Status {
        /// Its code.
        status: u16,
        /// What it said.
        body: String,
    },
    /// What answers is not a WebSocket server.
    #[error("the answer is not that of a WebSocket server: {0}")]
    Rubbish(&'static str),
}

/// A server that clients connect to.
pub struct Gate {
    addresses: Vec<SocketAddr>,
    host: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    access: Access,
}

impl Gate {
    /// Looks the host of `url` up, and reads what TLS needs.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub async fn new(url: &hyper::Uri, access: &Access) -> Result<Self, GateError> {
        let name = url.host().ok_or(GateError::NoHost)?;
        let is_tls = matches!(url.scheme_str(), Some("wss" | "https"));
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let bare = name.trim_matches(['[', ']']);
        let found = lookup_host((bare, port)).await;
        let addresses = found.map_err(|source| GateError::Lookup { host: name.to_owned(), source })?.collect();
        let tls = if is_tls {
            let server = ServerName::try_from(bare.to_owned())?;
            Some((TlsConnector::from(Arc::new(tls::config(&access.tls)?)), server))
        } else {
            None
        };
        let host = url.port_u16().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        Ok(Self { addresses, host, tls, access: access.clone() })
    }

    /// Connects a client, without a word of HTTP.
    ///
    /// # Errors
    ///
    /// When no address of the host answers.
    pub async fn dial(&self, client: u32) -> Result<Stream, ConnectError> {
        let mut result = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
        for address in &self.addresses {
            result = self.dial_one(*address, client).await;
            if result.is_ok() {
                break;
            }
        }
        let stream = result?;
        Ok(match &self.tls {
            Some((connector, name)) => {
                let connecting = connector.connect(name.clone(), stream).await;
                Stream::Tls(Box::new(connecting.map_err(of_tls)?))
            }
            None => Stream::Tcp(stream),
        })
    }

    /// Connects a client, and lets go again: whether there is somebody to talk to.
    ///
    /// # Errors
    ///
    /// As [`Self::dial`], and when it takes longer than `within`.
    pub async fn reach(&self, client: u32, within: Duration) -> Result<(), ConnectError> {
        timeout(within, self.dial(client)).await.map_err(|_| ConnectError::Timeout(within))?.map(drop)
    }

    async fn dial_one(&self, address: SocketAddr, client: u32) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(bind) = self.access.bind_of(client) {
            socket.bind((bind, 0).into())?;
        }
        // The client speaks first: the acknowledgement that ends TCP's handshake goes with its request, not ahead of
        // it, which saves a packet (tcp(7), TCP_QUICKACK): 48 to 39 µs of a connection, 2-core Zen 4, 2026-11-29.
        rustix::net::sockopt::set_tcp_quickack(&socket, false)?;
        // Small messages are to leave at once.
        socket.set_nodelay(true)?;
        socket.connect(address).await
    }

    /// Connects a client and upgrades to a WebSocket.
    ///
    /// # Errors
    ///
    /// When that fails, or takes longer than `within`.
    pub async fn open(&self, request: &Request<'_>, within: Duration) -> Result<Connection, ConnectError> {
        let opening = self.open_stream(request);
        let (stream, rest, keys) = timeout(within, opening).await.map_err(|_| ConnectError::Timeout(within))??;
        Ok(Connection::new(stream, rest, keys))
    }

    /// The same without a limit of time, for who reads the WebSocket by himself: the stream, what came
    /// behind the answer, and where mask keys come from.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or does not upgrade.
    pub async fn open_stream(&self, request: &Request<'_>) -> Result<(Stream, Vec<u8>, SplitMix), ConnectError> {
        let mut keys = SplitMix::new(request.seed, u64::from(request.client));
        let key = websocket_key(&mut keys);
        let mut stream = self.dial(request.client).await?;
        stream.write_all(self.upgrade_request(request, &key).as_bytes()).await?;
        stream.flush().await?;
        let rest = read_answer(&mut stream, &key).await?;
        Ok((stream, rest, keys))
    }

    fn upgrade_request(&self, request: &Request<'_>, key: &str) -> String {
        let mut head = self.head("GET", request);
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
        head += key;
        if !self.access.subprotocols.is_empty() {
            head += "\r\nSec-WebSocket-Protocol: ";
            head += &self.access.subprotocols.join(", ");
        }
        head + "\r\n\r\n"
    }

    /// Request line and the header fields that every request has; the empty line is the caller's.
    #[must_use]
    pub fn head(&self, method: &str, request: &Request<'_>) -> String {
        let mut head = format!("{method} {} HTTP/1.1\r\nHost: {}\r\n", request.path, self.host);
        for (name, value) in self.access.headers_of(request.client, request.room) {
            head += &name;
            head += ": ";
            head += &value;
            head += "\r\n";
        }
        head
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The library's connector cannot be shown.
        f.debug_struct("Gate").field("host", &self.host).field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// What one client asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its number.
    pub client: u32,
    /// Its room's name.
    pub room: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Where its random bytes begin.
    pub seed: u64,
}

/// The library wraps what is wrong with a certificate in an error of the connection.
fn of_tls(error: io::Error) -> ConnectError {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(inner @ rustls::Error::InvalidCertificate(_)) => ConnectError::Certificate(inner.clone()),
        _ => error.into(),
    }
}

/// RFC 6455 §4.1: 16 bytes in base64.
fn websocket_key(random: &mut SplitMix) -> String {
    use base64::Engine;
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&random.draw().to_ne_bytes());
    nonce[8..].copy_from_slice(&random.draw().to_ne_bytes());
    base64::engine::general_purpose::STANDARD.encode(nonce)
}

/// Reads the answer to an upgrade; returns what came behind it.
async fn read_answer(stream: &mut Stream, key: &str) -> Result<Vec<u8>, ConnectError> {
    let mut buffer = Vec::with_capacity(ANSWER_USUAL_BYTES);
    loop {
        let bytes = stream.read_buf(&mut buffer).await?;
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut answer = httparse::Response::new(&mut fields);
        match answer.parse(&buffer) {
            Ok(httparse::Status::Complete(head_bytes)) => {
                check(&answer, key, &buffer[head_bytes..])?;
                return Ok(buffer.split_off(head_bytes));
            }
            Ok(httparse::Status::Partial) if bytes == 0 => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed before an answer").into());
            }
            Ok(httparse::Status::Partial) if buffer.len() < HEAD_MAX_BYTES => {}
            Ok(httparse::Status::Partial) => return Err(ConnectError::Rubbish("its head is longer than 16 KiB")),
            Err(_) => return Err(ConnectError::Rubbish("it is not HTTP")),
        }
    }
}

fn check(answer: &httparse::Response<'_, '_>, key: &str, rest: &[u8]) -> Result<(), ConnectError> {
    let status = answer.code.unwrap_or(0);
    if status != 101 {
        // As much of the body as came with the head.
        let body = String::from_utf8_lossy(rest).chars().take(REFUSAL_MAX_CHARS).collect::<String>();
        return Err(ConnectError::Status { status, body: body.trim().replace(['\r', '\n'], " ") });
    }
    let field = |name: &str| {
        let found = answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.and_then(|field| std::str::from_utf8(field.value).ok()).map(str::trim)
    };
    if !field("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return Err(ConnectError::Rubbish("101 without Upgrade: websocket"));
    }
    // RFC 6455 §4.1: the proof that the server has read the key.
    if field("sec-websocket-accept") != Some(&accept_key(key.as_bytes())) {
        return Err(ConnectError::Rubbish("a wrong Sec-WebSocket-Accept"));
    }
    if field("sec-websocket-extensions").is_some_and(|value| !value.is_empty()) {
        return Err(ConnectError::Rubbish("an extension that was not asked for"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<(), String> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut answer = httparse::Response::new(&mut fields);
        let Ok(httparse::Status::Complete(head)) = answer.parse(text.as_bytes()) else { panic!("not whole") };
        // Key and proof of RFC 6455 §1.2.
        check(&answer, "dGhlIHNhbXBsZSBub25jZQ==", &text.as_bytes()[head..]).map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_proven_upgrade_is_one() {
        let good = "HTTP/1.1 101 Yes\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(answer(good), Ok(()));
        assert!(answer(&good.replace("s3pP", "S3pP")).unwrap_err().contains("Sec-WebSocket-Accept"));
        assert!(answer(&good.replace("Upgrade: W", "X: W")).unwrap_err().contains("without Upgrade"));
        let refused = answer("HTTP/1.1 503 No\r\n\r\ntoo many\nconnections");
        assert_eq!(refused.unwrap_err(), "HTTP status 503 instead of 101: too many connections");
    }
}
