//! One of two: what it sends, field by field, and what it is sent.

use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hub::PersonName;
use socket2::SockRef;
use tokio::time::{Instant, sleep_until, timeout};
use wire::tcp_pair::{Field, URGENT_SEPARATOR, next_field};

use crate::app::App;
use crate::limits::TcpLimits;
use crate::tcp::{Left, Visitor};

/// What a partner is called, as it was sent but for the end of its line.
#[derive(Debug, Clone)]
pub(super) struct Nick(Bytes);

impl Nick {
    /// `None` where it is no name: whoever speaks another protocol to this
    /// port has control characters in its first line.
    pub(super) fn new(field: &Bytes) -> Option<Self> {
        let line = field.strip_suffix(b"\n").unwrap_or(field);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Letters of another encoding are as good as any.
        PersonName::parse(&String::from_utf8_lossy(line)).ok()?;
        Some(Self(field.slice_ref(line)))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// One of two.
#[derive(Debug)]
pub(super) struct Partner {
    app: Arc<App>,
    visitor: Visitor,
    /// What came and is not a field yet; in the other's turn it is kept.
    unread: BytesMut,
    has_left: bool,
    written_at: Instant,
    not_before: Instant,
}

impl Partner {
    pub(super) fn new(app: Arc<App>, visitor: Visitor) -> Self {
        let now = Instant::now();
        Self { app, visitor, unread: BytesMut::new(), has_left: false, written_at: now, not_before: now }
    }

    fn limits(&self) -> &TcpLimits {
        &self.app.limits.tcp
    }

    /// Waits for the next field: what comes until it is silent for a moment, at
    /// most what a client receives at once, and no character is cut. Loses
    /// nothing when it is cancelled.
    ///
    /// # Errors
    ///
    /// When it has left; what it sent before comes first.
    pub(super) async fn field(&mut self) -> Result<Bytes, Left> {
        loop {
            let silence = match next_field(&self.unread) {
                Field::Whole(0) => {
                    self.read().await?;
                    continue;
                }
                Field::Whole(bytes) if bytes < self.unread.len() => return Ok(self.take(bytes)),
                Field::Whole(_) => self.limits().silence,
                Field::Open => self.limits().pair.character_wait_max,
            };
            let is_over = timeout(silence, self.read()).await.is_err();
            if is_over || self.has_left {
                return Ok(self.take(self.unread.len()));
            }
        }
    }

    fn take(&mut self, bytes: usize) -> Bytes {
        let field = self.unread.split_to(bytes).freeze();
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        field
    }

    async fn read(&mut self) -> Result<(), Left> {
        if self.has_left {
            return Err(Left);
        }
        let unread = &mut self.unread;
        let read = self.visitor.read(|bytes| unread.extend_from_slice(bytes)).await;
        self.has_left = read.is_err();
        read
    }

    /// Waits until it leaves. What it sends meanwhile is kept for its turn, up
    /// to a bound; beyond that it is not read.
    pub(super) async fn leaves(&mut self) {
        while self.unread.len() < self.limits().pair.ahead_max_bytes {
            if self.read().await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Asks the system whether it is there: it may have left just now.
    pub(super) fn is_there(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        !self.has_left
            && match SockRef::from(&self.visitor.stream).peek(&mut byte) {
                Ok(count) => count > 0,
                Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            }
    }

    /// Sends a field; waits for its time.
    ///
    /// # Errors
    ///
    /// When it is gone or does not take the field in time.
    pub(super) async fn send(&mut self, field: &[u8]) -> Result<(), Left> {
        sleep_until(self.not_before).await;
        let sent = timeout(self.limits().pair.write_max, self.visitor.write(field)).await.unwrap_or(Err(Left));
        self.written_at = Instant::now();
        sent
    }

    /// Has the next field come in a receive of its own: it is sent when the
    /// last one has been received.
    pub(super) fn keep_apart(&mut self) {
        self.not_before = self.written_at + self.app.config.tcp_pair_gap;
    }

    /// Puts a mark behind what was sent, past which no receive goes.
    pub(super) fn mark(&self) {
        // Where the system has no room for the byte, the gap alone keeps the fields apart.
        SockRef::from(&self.visitor.stream).send_out_of_band(URGENT_SEPARATOR).ok();
    }

    /// Ends its stream.
    pub(super) async fn end(self) {
        self.visitor.see_off(&self.app).await;
    }
}
