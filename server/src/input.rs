//! What a WebSocket peer sends, frame by frame.
//!
//! Reads go into a buffer that all connections of a thread share, so that an
//! idle connection keeps none.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use wire::websocket::{Decoder, DecoderLimits, Event, ProtocolError};

use crate::limits::SessionLimits;

/// Bytes read at once. Chosen: a socket's default receive buffer holds about
/// twice that.
const READ_BYTES: usize = 64 * 1024;
/// The budget counts in these units, since a semaphore counts in 32 bits.
const BUDGET_UNIT_BYTES: usize = 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// Bytes of large messages under way towards the server.
#[derive(Debug, Clone)]
pub(crate) struct InboundBudget {
    units: Arc<Semaphore>,
    wait_max: Duration,
}

impl InboundBudget {
    /// A budget of `bytes`; who has to wait longer than `wait_max` is refused.
    #[must_use]
    pub(crate) fn new(bytes: usize, wait_max: Duration) -> Self {
        Self { units: Arc::new(Semaphore::new(bytes / BUDGET_UNIT_BYTES)), wait_max }
    }

    /// A share for bytes that come in another way; `None` after too long a wait.
    pub(crate) async fn lease_bytes(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let until = Instant::now() + self.wait_max;
        let units = u32::try_from(bytes.div_ceil(BUDGET_UNIT_BYTES)).ok()?;
        let permit = timeout_at(until, Arc::clone(&self.units).acquire_many_owned(units)).await.ok()?;
        Some(permit.expect("the budget is never closed"))
    }
}

/// A large message waits for its share of the budget. The wait may be
/// interrupted and taken up again: its place in the queue and its end stay.
struct Waiting(Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>);

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting")
    }
}

/// How large messages may be; larger ones close with 1009.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageBounds {
    /// Of any kind.
    pub(crate) message_max_bytes: usize,
    /// Text.
    pub(crate) text_max_bytes: usize,
}

impl MessageBounds {
    /// The same for text as for all else.
    #[must_use]
    pub(crate) fn up_to(max_bytes: usize) -> Self {
        Self { message_max_bytes: max_bytes, text_max_bytes: max_bytes }
    }
}

/// Why there is no more input.
#[derive(Debug)]
pub(crate) enum InputEnd {
    /// The connection is closed or broken.
    Gone,
    /// The peer broke the protocol.
    Protocol(ProtocolError),
    /// No room for so large a message in time.
    Overloaded,
}

/// The read side of one connection.
#[derive(Debug)]
pub(crate) struct Input {
    stream: Arc<TcpStream>,
    decoder: Decoder,
    /// Read, but not decoded yet.
    unread: Bytes,
    /// A large message has begun and has no share of the budget yet.
    waiting: Option<Waiting>,
    budget: InboundBudget,
    /// Of the message that is arriving.
    leases: Vec<OwnedSemaphorePermit>,
    /// Of messages that were returned and are not dealt with yet.
    delivered: Vec<OwnedSemaphorePermit>,
    failed: Option<ProtocolError>,
    received_bytes: u64,
    messages: u64,
}

impl Input {
    /// `unread` is what came with the handshake.
    #[must_use]
    pub(crate) fn new(
        stream: Arc<TcpStream>,
        unread: Bytes,
        bounds: MessageBounds,
        limits: &SessionLimits,
        budget: InboundBudget,
    ) -> Self {
        let decoder = Decoder::new(DecoderLimits {
            message_max_bytes: bounds.message_max_bytes,
            text_max_bytes: bounds.text_max_bytes,
            announce_min_bytes: limits.announce_min_bytes,
            ..DecoderLimits::default()
        });
        Self {
            stream,
            decoder,
            unread,
            waiting: None,
            budget,
            leases: Vec::new(),
            delivered: Vec::new(),
            failed: None,
            received_bytes: 0,
            messages: 0,
        }
    }

    /// Waits for whole messages and control frames; loses nothing when it is
    /// cancelled.
    ///
    /// # Errors
    ///
    /// When no more will come; what came before is returned first.
    pub(crate) async fn events(&mut self) -> Result<Vec<Event>, InputEnd> {
        loop {
            if let Some(Waiting(lease)) = &mut self.waiting {
                let lease = lease.await.ok_or(InputEnd::Overloaded)?;
                self.leases.push(lease);
                self.waiting = None;
            }
            if let Some(error) = self.failed.take() {
                return Err(InputEnd::Protocol(error));
            }
            let events = if self.unread.is_empty() {
                self.read().await?
            } else {
                let unread = std::mem::take(&mut self.unread);
                self.decode(&unread)
            };
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<Event>, InputEnd> {
        readable(&self.stream).await.map_err(|_| InputEnd::Gone)?;
        BUFFER.with_borrow_mut(|buffer| match try_read(&self.stream, buffer) {
            Ok(0) => Err(InputEnd::Gone),
            Ok(count) => {
                self.received_bytes += count as u64;
                Ok(self.decode(&buffer[..count]))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(_) => Err(InputEnd::Gone),
        })
    }

    fn decode(&mut self, mut input: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.decoder.next(&mut input) {
                Ok(None) => return events,
                Ok(Some(Event::Begins { message_bytes })) => {
                    let budget = self.budget.clone();
                    let lease = async move { budget.lease_bytes(message_bytes).await };
                    self.waiting = Some(Waiting(Box::pin(lease)));
                    self.unread = Bytes::copy_from_slice(input);
                    return events;
                }
                Ok(Some(event)) => {
                    if matches!(event, Event::Text(_) | Event::Binary(_)) {
                        self.messages += 1;
                        self.delivered.append(&mut self.leases);
                    }
                    events.push(event);
                }
                Err(error) => {
                    self.failed = Some(error);
                    return events;
                }
            }
        }
    }

    /// What [`events`](Self::events) returned is dealt with.
    pub(crate) fn release(&mut self) {
        self.delivered.clear();
    }

    /// Whether a large message waits for its share of the budget; the peer is
    /// not read meanwhile.
    #[must_use]
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Bytes that came so far.
    #[must_use]
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Of a message that has begun and is not complete: its number.
    #[must_use]
    pub(crate) fn unfinished_message(&self) -> Option<u64> {
        self.decoder.is_mid_message().then_some(self.messages)
    }

    /// Reads and drops what still comes, until the peer closes, so that the
    /// connection is not reset under our close frame.
    pub(crate) async fn drop_rest(&mut self, max_bytes: usize) {
        let mut dropped = 0;
        while dropped < max_bytes && readable(&self.stream).await.is_ok() {
            let read = BUFFER.with_borrow_mut(|buffer| try_read(&self.stream, buffer));
            match read {
                Ok(0) => return,
                Ok(count) => dropped += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// Waits until there may be something to read. The socket keeps one reader to
/// wake, and this is it: HTTP, whose memory it would keep else, is done.
async fn readable(stream: &TcpStream) -> io::Result<()> {
    poll_fn(|cx| stream.poll_read_ready(cx)).await
}

/// Reads without waiting. A read that does not fill the buffer has emptied the
/// socket: it is not asked again before it says that there is more, which
/// saves a call to the system for each message that comes alone.
fn try_read(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut taken = None;
    let read = stream.try_io(Interest::READABLE, || {
        let count = (&*SockRef::from(stream)).read(buffer)?;
        taken = Some(count);
        if (1..buffer.len()).contains(&count) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    });
    taken.map_or(read, Ok)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::limits::Limits;

    /// A binary frame with a mask of zeros.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x82, 0xFF];
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(payload);
        frame
    }

    async fn input(budget_bytes: usize) -> (Input, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let bounds = MessageBounds::up_to(1 << 20);
        let limits = Limits::new(1 << 20, 32 << 20).session;
        let budget = InboundBudget::new(budget_bytes, Duration::from_secs(5));
        (Input::new(Arc::new(stream), Bytes::new(), bounds, &limits, budget), peer)
    }

    #[tokio::test]
    async fn messages_right_behind_each_other_give_their_budget_back() {
        let (mut input, mut peer) = input(256 << 10).await;
        let sending = async {
            for _ in 0..50 {
                peer.write_all(&frame(&[7; 100_000])).await.unwrap();
            }
        };
        let receiving = async {
            let mut count = 0;
            while count < 50 {
                count += input.events().await.expect("room for all, one after another").len();
                input.release();
            }
        };
        tokio::join!(sending, receiving);
    }

    #[tokio::test]
    async fn a_message_that_the_budget_cannot_hold_in_time_ends_the_input_also_when_the_wait_is_interrupted() {
        let (mut input, mut peer) = input(64 << 10).await;
        input.budget.wait_max = Duration::from_millis(300);
        peer.write_all(&frame(&[7; 100_000])).await.unwrap();
        let end = loop {
            // Whoever waits does other things in between.
            if let Ok(end) = tokio::time::timeout(Duration::from_millis(50), input.events()).await {
                break end;
            }
        };
        assert!(matches!(end, Err(InputEnd::Overloaded)));
    }

    #[tokio::test]
    async fn a_wait_for_the_budget_that_is_interrupted_keeps_its_place() {
        let (mut input, mut peer) = input(128 << 10).await;
        let all = input.budget.lease_bytes(128 << 10).await.expect("nobody has any yet");
        peer.write_all(&frame(&[7; 100_000])).await.unwrap();
        while !input.is_waiting() {
            tokio::time::timeout(Duration::from_millis(50), input.events()).await.unwrap_err();
        }
        let budget = input.budget.clone();
        let mut later = std::pin::pin!(budget.lease_bytes(100_000));
        assert!(later.as_mut().now_or_never().is_none());
        drop(all);
        assert_eq!(input.events().await.expect("it came first").len(), 1);
        input.release();
        assert!(later.await.is_some());
    }
}
