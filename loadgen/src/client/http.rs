//! Requests by HTTP: pictures and messages that are posted, events that are read.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Builder;
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::gate::Access;
use super::tls;

/// Largest answer that is taken.
const ANSWER_MAX_BYTES: usize = 128 << 20;

/// Keeps connections alive between requests.
#[derive(Debug, Clone)]
pub struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: hyper::Uri,
    headers: Vec<(String, String)>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum PostError {
    /// The server said no.
    #[error("HTTP status {0}")]
    Status(u16),
    /// Not an address that can be connected to.
    #[error("the address has no host")]
    Url,
    /// The connection failed.
    #[error("{0}")]
    Connection(String),
}

impl Poster {
    /// Posts to this address, as the one client whose access it is.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn new(url: &str, access: &Access) -> Result<Self, PostError> {
        let tls = tls::config(&access.tls).map_err(|error| PostError::Connection(error.to_string()))?;
        let mut tcp = HttpConnector::new();
        // The connector around it is the one that knows https.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_local_address(access.binds.first().copied());
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let url =
            url.parse().map_err(|error: hyper::http::uri::InvalidUri| PostError::Connection(error.to_string()))?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, url, headers: access.headers.clone() })
    }

    /// Connects once, and lets go again.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub async fn reach(&self, within: Duration) -> Result<(), PostError> {
        let is_tls = self.url.scheme_str() == Some("https");
        let host = self.url.host().ok_or(PostError::Url)?;
        let port = self.url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let connecting = TcpStream::connect((host.trim_matches(['[', ']']), port));
        match timeout(within, connecting).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(PostError::Connection(error.to_string())),
            Err(_) => Err(PostError::Connection(format!("no connection within {within:?}"))),
        }
    }

    /// Posts something and returns what comes back.
    ///
    /// # Errors
    ///
    /// When the server refuses it or the connection fails.
    pub async fn post(&self, content: Bytes) -> Result<Bytes, PostError> {
        let response = self.request(Request::post(self.url.clone()), content).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        let body = body.map_err(|error| PostError::Connection(error.to_string()))?.to_bytes();
        if status.is_success() { Ok(body) } else { Err(PostError::Status(status.as_u16())) }
    }

    /// Asks for what is there, to be read as it comes.
    ///
    /// # Errors
    ///
    /// As [`Self::post`].
    pub async fn open(&self) -> Result<Incoming, PostError> {
        let response = self.request(Request::get(self.url.clone()), Bytes::new()).await?;
        let status = response.status();
        if status.is_success() { Ok(response.into_body()) } else { Err(PostError::Status(status.as_u16())) }
    }

    async fn request(&self, mut request: Builder, content: Bytes) -> Result<Response<Incoming>, PostError> {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let failed = |error: &dyn std::fmt::Display| PostError::Connection(error.to_string());
        let request = request.body(Full::new(content)).map_err(|error| failed(&error))?;
        self.client.request(request).await.map_err(|error| failed(&error))
    }
}
