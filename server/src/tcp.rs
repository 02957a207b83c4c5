//! What the doors of plain TCP have in common: letting people in, reading what
//! they send, and seeing them off.

use std::io;
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::app::App;
use crate::connections::Admission;
use crate::limits::TcpLimits;
use crate::metrics::{OpenConnection, Refused, Speaks};

/// When no connection can be accepted (descriptors are spent), so long passes
/// before the next try. Chosen: some connections end in that time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes read at once. Chosen: what people type, many times over.
const READ_BYTES: usize = 4096;

/// Somebody at a door of plain TCP.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) stream: TcpStream,
    pub(crate) address: IpAddr,
    _admission: Arc<Admission>,
    _open: OpenConnection,
}

/// The end of what a visitor sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left;

/// Waits for the next visitor who has a place; loses nobody when it is
/// cancelled.
pub(crate) async fn next_visitor(listener: &TcpListener, app: &App, door: Speaks) -> Visitor {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        match (app.connections.admit(address), prepare(&stream, &app.limits.tcp)) {
            (Ok(admission), Ok(())) => {
                return Visitor { stream, address, _admission: admission, _open: app.metrics.connected(door) };
            }
            // There is no language to say so in: it is told by the end of the stream.
            (Err(full), _) => app.metrics.refused(Refused::from(full)),
            (Ok(_), Err(error)) => tracing::debug!(%error, "a connection was gone at once"),
        }
    }
}

fn prepare(stream: &TcpStream, limits: &TcpLimits) -> io::Result<()> {
    // Each message leaves at once: waiting for more would glue them.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    // These protocols have no pings, so the system asks for signs of life.
    let keepalive = TcpKeepalive::new().with_time(limits.probe_after).with_interval(limits.probe_interval);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(limits.unacknowledged_max))
}

impl Visitor {
    /// Waits until something has come and passes it to `take`; loses nothing
    /// when it is cancelled.
    ///
    /// # Errors
    ///
    /// When nothing more will come.
    pub(crate) async fn read(&self, take: impl FnOnce(&[u8])) -> Result<(), Left> {
        loop {
            self.stream.readable().await.map_err(|_| Left)?;
            // Not held while waiting: an idle visitor keeps no buffer.
            let mut bytes = [0; READ_BYTES];
            match self.stream.try_read(&mut bytes) {
                Ok(0) => return Err(Left),
                Ok(count) => {
                    // The rest of a message that is sent in parts is held back until the first is acknowledged (Nagle,
                    // RFC 1122 §4.2.3.4), and that would be later than the silence that ends a message.
                    SockRef::from(&self.stream).set_tcp_quickack(true).ok();
                    take(&bytes[..count]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Left),
            }
        }
    }

    /// Sends all of the bytes, however long that takes.
    ///
    /// # Errors
    ///
    /// When the visitor is gone.
    pub(crate) async fn write(&self, mut bytes: &[u8]) -> Result<(), Left> {
        while !bytes.is_empty() {
            self.stream.writable().await.map_err(|_| Left)?;
            match self.stream.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Left),
            }
        }
        Ok(())
    }

    /// Ends the stream. What still comes is read and dropped for a while:
    /// closing with unread input resets the connection, and the visitor would
    /// lose our last words.
    pub(crate) async fn see_off(self, app: &App) {
        let limits = &app.limits.tcp;
        SockRef::from(&self.stream).shutdown(Shutdown::Write).ok();
        let dropping = async {
            let mut dropped = 0;
            while dropped < limits.linger_max_bytes && self.read(|bytes| dropped += bytes.len()).await.is_ok() {}
        };
        let over = async {
            tokio::select! {
                () = sleep(limits.linger_max) => {}
                () = app.stop.cancelled() => sleep(limits.linger_at_stop_max).await,
            }
        };
        tokio::select! {
            () = dropping => {}
            () = over => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[tokio::test]
    async fn the_system_asks_a_silent_visitor_for_signs_of_life() {
        let limits = Limits::new(1 << 20, 32 << 20).tcp;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (stream, _) = accepted.unwrap();
        prepare(&stream, &limits).unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), limits.probe_after);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), limits.probe_interval);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(limits.unacknowledged_max));
        drop(client);
    }
}
