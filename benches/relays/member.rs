//! One connection to a relay.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use benches::client::{ACCEPT, KEY};
use benches::frame::split_frame;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use socket2::{Domain, Socket, Type};

use crate::dialect::{Dialect, Meaning};
use crate::relay::Relay;
use crate::stream::Place;

/// Longer takes only a relay that does not answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// An answer to the upgrade is shorter than this.
const ANSWER_MAX_BYTES: usize = 4096;
/// Connections opened at once: fewer than any queue of connections to be
/// accepted holds.
const TOGETHER: usize = 64;
/// Connections from one source address, which has some 28,000 ports.
const PER_ADDRESS: usize = 8192;

/// A member of a room.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) stream: TcpStream,
    pub(crate) place: Place,
    /// The beginning of a frame that is not complete.
    tail: Vec<u8>,
    /// What the socket did not take yet.
    unsent: Vec<u8>,
}

/// Opens `count` connections and lets them enter `room`.
pub(crate) fn open(relay: &Relay, room: &str, count: usize) -> Result<Vec<Member>> {
    let mut members = Vec::with_capacity(count);
    while members.len() < count {
        let together = TOGETHER.min(count - members.len());
        let first = members.len();
        for number in first..first + together {
            members.push(Member::connect(relay, room, number)?);
        }
        for member in &mut members[first..] {
            member.upgrade(relay.dialect)?;
        }
        for member in &mut members[first..] {
            member.enter(relay.dialect)?;
        }
    }
    Ok(members)
}

impl Member {
    fn connect(relay: &Relay, room: &str, number: usize) -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // Addresses of this relay alone: the ports of the members of the last one are not free again for a minute.
        let [high, low] = relay.address.port().to_be_bytes();
        let source = Ipv4Addr::new(127, high, low, 1 + (number / PER_ADDRESS) as u8);
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect(&relay.address.into()).context("the relay does not take a connection")?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        let (path, address) = (relay.path(room, number), relay.address);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        (&stream).write_all(request.as_bytes())?;
        Ok(Self { stream, place: Place::default(), tail: Vec::new(), unsent: Vec::new() })
    }

    fn upgrade(&mut self, dialect: Dialect) -> Result<()> {
        let end = loop {
            if let Some(end) = self.tail.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if self.tail.len() > ANSWER_MAX_BYTES || !self.read_more()? {
                bail!("the relay did not upgrade: {}", String::from_utf8_lossy(&self.tail));
            }
        };
        let head = String::from_utf8_lossy(&self.tail[..end]);
        if !head.starts_with("HTTP/1.1 101 ") || !head.contains(ACCEPT) {
            bail!("the relay did not upgrade: {head}");
        }
        self.tail.drain(..end);
        self.stream.write_all(&dialect.enter())?;
        Ok(())
    }

    /// Waits until it is in the room.
    fn enter(&mut self, dialect: Dialect) -> Result<()> {
        loop {
            while let Some((frame, rest)) = split_frame(&self.tail) {
                let meaning = dialect.understand(&frame);
                let rest_bytes = rest.len();
                match meaning {
                    Meaning::Aside => {}
                    Meaning::Present => {
                        self.tail.drain(..self.tail.len() - rest_bytes);
                        self.stream.set_nonblocking(true)?;
                        return Ok(());
                    }
                    meaning => bail!("a newcomer was sent {meaning:?}"),
                }
                self.tail.drain(..self.tail.len() - rest_bytes);
            }
            if !self.read_more()? {
                bail!("the relay ended a new connection");
            }
        }
    }

    fn read_more(&mut self) -> Result<bool> {
        let mut buffer = [0; 2048];
        let count = self.stream.read(&mut buffer).context("the relay did not answer in time")?;
        self.tail.extend_from_slice(&buffer[..count]);
        Ok(count > 0)
    }

    /// Reads once; `take` is given all that is not taken yet and returns how
    /// much it took.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        take: impl FnOnce(&mut Place, &[u8]) -> Result<usize>,
    ) -> Result<()> {
        let tail_bytes = self.tail.len();
        scratch[..tail_bytes].copy_from_slice(&self.tail);
        let count = match self.stream.read(&mut scratch[tail_bytes..]) {
            Ok(0) => bail!("the relay ended a connection"),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(()),
            Err(error) => return Err(error).context("a connection broke"),
        };
        let input = &scratch[..tail_bytes + count];
        let taken = take(&mut self.place, input)?;
        self.tail.clear();
        self.tail.extend_from_slice(&input[taken..]);
        Ok(())
    }

    /// Whether the socket has taken all.
    pub(crate) fn has_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Sends what `put` appends, and what was left of the last time.
    pub(crate) fn send(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        put(&mut self.unsent);
        match self.stream.write(&self.unsent) {
            Ok(count) => drop(self.unsent.drain(..count)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("a connection broke"),
        }
        Ok(())
    }

    /// Lets the system buffer little for it.
    pub(crate) fn buffer_little(&self) -> Result<()> {
        Ok(set_socket_recv_buffer_size(&self.stream, 4096)?)
    }
}
