//! A plain TCP connection as simple programs use it: what one receive returns
//! is one message.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::within_deadline;

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    within_deadline("a connection", TcpStream::connect(address)).await.expect("a connection")
}

/// A connection that takes only a little that it does not read.
pub(crate) async fn connect_narrow(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    within_deadline("a connection", socket.connect(address)).await.expect("a connection")
}

/// The connection.
#[derive(Debug)]
pub struct TcpClient(TcpStream);

impl TcpClient {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When nobody listens.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(connect(address).await)
    }

    /// A connection that takes only a little that it does not read.
    ///
    /// # Panics
    ///
    /// When nobody listens.
    pub async fn connect_narrow(address: SocketAddr) -> Self {
        Self(connect_narrow(address).await)
    }

    /// Sends bytes at once.
    ///
    /// # Panics
    ///
    /// When the connection is gone.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within_deadline("a send", self.0.write_all(bytes.as_ref())).await.expect("a connection");
    }

    /// What one receive of up to `max_bytes` returns; nothing at the end of
    /// the stream.
    ///
    /// # Panics
    ///
    /// When the connection breaks.
    pub async fn receive_bytes(&mut self, max_bytes: usize) -> Vec<u8> {
        let mut bytes = vec![0; max_bytes];
        let receiving = async {
            loop {
                self.0.readable().await.expect("a connection");
                match self.0.try_read(&mut bytes) {
                    Ok(count) => return count,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
                }
            }
        };
        let count = within_deadline("something to receive", receiving).await;
        bytes.truncate(count);
        bytes
    }

    /// The same as text.
    ///
    /// # Panics
    ///
    /// When it ends within a character, or is no UTF-8 at all.
    pub async fn receive(&mut self, max_bytes: usize) -> String {
        String::from_utf8(self.receive_bytes(max_bytes).await).expect("whole characters")
    }

    /// Leaves without goodbye: the peer's next look sees a broken connection.
    ///
    /// # Panics
    ///
    /// When the system does not let it.
    pub fn reset(self) {
        self.0.set_zero_linger().expect("a connection");
    }
}
