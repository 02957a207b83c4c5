//! A TCP connection, for what no proper client sends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{tcp, within_deadline};

/// A frame of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: FIN, RSV and opcode.
    pub head: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The code, if it is a close frame.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        let code = self.payload.first_chunk::<2>().filter(|_| self.head == 0x88)?;
        Some(u16::from_be_bytes(*code))
    }
}

/// The connection.
#[derive(Debug)]
pub struct RawSocket(TcpStream);

impl RawSocket {
    /// A connection on which nothing was said yet.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(tcp::connect(address).await)
    }

    /// A connection that takes only a little that it does not read.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn connect_narrow(address: SocketAddr) -> Self {
        Self(tcp::connect_narrow(address).await)
    }

    /// Sends bytes.
    ///
    /// # Panics
    ///
    /// When the connection is gone.
    pub async fn send(&mut self, bytes: &[u8]) {
        within_deadline("a send", self.0.write_all(bytes)).await.expect("a connection");
    }

    /// Sends the handshake for a path, and returns the status.
    pub async fn upgrade(&mut self, path: &str) -> u16 {
        self.request(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ))
        .await
        .0
    }

    /// Sends a request and reads the head of its answer.
    ///
    /// # Panics
    ///
    /// When the answer is not HTTP.
    pub async fn request(&mut self, request: &str) -> (u16, String) {
        self.send(request.as_bytes()).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within_deadline("an answer", self.0.read_u8()).await.expect("an answer"));
        }
        let head = String::from_utf8(head).expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head)
    }

    /// The next frame, or `None` at the end of the connection.
    pub async fn frame(&mut self) -> Option<Frame> {
        within_deadline("a frame", async {
            let head = self.0.read_u8().await.ok()?;
            let length = match self.0.read_u8().await.ok()? {
                126 => u64::from(self.0.read_u16().await.ok()?),
                127 => self.0.read_u64().await.ok()?,
                short => u64::from(short),
            };
            let mut payload = vec![0; usize::try_from(length).ok()?];
            self.0.read_exact(&mut payload).await.ok()?;
            Some(Frame { head, payload })
        })
        .await
    }

    /// Sends bytes to a server that may have closed already.
    ///
    /// # Errors
    ///
    /// When it has.
    pub async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        within_deadline("a send", self.0.write_all(bytes)).await
    }

    /// Whether something came that was not read yet, or the end.
    pub async fn has_input(&self) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(self.0.poll_read_ready(cx).is_ready())).await
    }

    /// What comes until the connection ends, in whatever way.
    pub async fn rest_or_reset(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        within_deadline("the end", self.0.read_to_end(&mut rest)).await.ok();
        rest
    }

    /// What comes until the server ends the connection.
    ///
    /// # Panics
    ///
    /// When it breaks off.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        within_deadline("the end", self.0.read_to_end(&mut rest)).await.expect("an end");
        rest
    }

    /// A frame as clients send it, masked, with any first byte.
    #[must_use]
    pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
        const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
        let mut frame = vec![head];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | u8::try_from(length).expect("below 126")),
            length @ 126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).expect("16 bits").to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }
}
