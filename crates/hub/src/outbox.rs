//! What one session is sent and nobody else: answers, errors, its own
//! negatives, probes.
//!
//! Private bytes and the tapes share one socket. They interleave where a
//! frame ends, and where a message of several frames is under way only urgent
//! frames go between them (RFC 6455 §5.4).

use std::collections::VecDeque;

use bytes::Bytes;

/// What is complete once a piece has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing: the frame goes on in the next piece.
    Nothing,
    /// A frame, but its message goes on in the next one.
    Frame,
    /// A message.
    Message,
}

/// Consecutive bytes of a private message.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The bytes.
    pub bytes: Bytes,
    /// What ends with them.
    pub ends: Ends,
}

impl Piece {
    /// A whole message in one frame.
    #[must_use]
    pub fn message(bytes: Bytes) -> Self {
        Self { bytes, ends: Ends::Message }
    }
}

/// Private pieces that wait for the socket.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    private: VecDeque<(Piece, Charge)>,
    charged_bytes: usize,
    /// The latest probe and the latest answer to the peer's probe: an older
    /// one that was not sent yet is of no use (RFC 6455 §5.5.3).
    probe: Option<Bytes>,
    reply: Option<Bytes>,
    last: Option<Bytes>,
    closing: bool,
}

/// Whether bytes count against the bound of private answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charge {
    Counted,
    /// Bounded by its sender in another way.
    Free,
}

impl Outbox {
    pub(crate) fn push(&mut self, piece: Piece, charge: Charge) {
        if self.closing || piece.bytes.is_empty() && piece.ends == Ends::Nothing {
            return;
        }
        if charge == Charge::Counted {
            self.charged_bytes += piece.bytes.len();
        }
        if self.private.capacity() == 0 {
            // Most are given one message, the welcome, and then none for long; a deque would begin with four places.
            self.private.reserve_exact(1);
        }
        self.private.push_back((piece, charge));
    }

    pub(crate) fn set_probe(&mut self, frame: Bytes) {
        self.probe = Some(frame);
    }

    pub(crate) fn set_reply(&mut self, frame: Bytes) {
        self.reply = Some(frame);
    }

    /// Nothing goes out after `frame`, and before it only what belongs to a
    /// frame that has begun.
    pub(crate) fn close_with(&mut self, frame: Bytes) {
        if !self.closing {
            self.closing = true;
            self.last = Some(frame);
        }
    }

    /// Whether the last frame was taken.
    pub(crate) fn is_closed(&self) -> bool {
        self.closing && self.last.is_none()
    }

    pub(crate) fn charged_bytes(&self) -> usize {
        self.charged_bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.private.is_empty()
    }

    /// The next private piece that may follow bytes that ended `within`.
    pub(crate) fn take(&mut self, within: Ends) -> Option<Piece> {
        if within != Ends::Nothing {
            if let Some(bytes) = self.last.take() {
                self.private.clear();
                self.charged_bytes = 0;
                return Some(Piece::message(bytes));
            }
            if let Some(bytes) = self.reply.take().or_else(|| self.probe.take()) {
                // A control frame between the fragments of a message does not end that message.
                return Some(Piece { bytes, ends: within });
            }
        }
        let (piece, charge) = self.private.pop_front()?;
        if charge == Charge::Counted {
            self.charged_bytes -= piece.bytes.len();
        }
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &'static str, ends: Ends) -> Piece {
        Piece { bytes: Bytes::from_static(text.as_bytes()), ends }
    }

    fn take_all(outbox: &mut Outbox) -> String {
        let mut within = Ends::Message;
        let mut text = String::new();
        while let Some(piece) = outbox.take(within) {
            within = piece.ends;
            text.push_str(std::str::from_utf8(&piece.bytes).unwrap());
        }
        text
    }

    #[test]
    fn urgent_frames_go_between_frames_and_never_into_one() {
        let mut outbox = Outbox::default();
        outbox.push(piece("[a", Ends::Nothing), Charge::Free);
        outbox.push(piece("a]", Ends::Frame), Charge::Free);
        outbox.push(piece("[b]", Ends::Message), Charge::Free);
        assert_eq!(outbox.take(Ends::Message).unwrap().bytes, "[a");
        outbox.set_reply(Bytes::from_static(b"pong"));
        assert_eq!(outbox.take(Ends::Nothing).unwrap().bytes, "a]");
        let reply = outbox.take(Ends::Frame).unwrap();
        assert_eq!((reply.bytes.as_ref(), reply.ends), (&b"pong"[..], Ends::Frame));
        assert_eq!(outbox.take(Ends::Frame).unwrap().bytes, "[b]");
    }

    #[test]
    fn of_several_replies_only_the_latest_is_sent() {
        let mut outbox = Outbox::default();
        for reply in ["1", "2", "3"] {
            outbox.set_reply(Bytes::from_static(reply.as_bytes()));
        }
        assert_eq!(take_all(&mut outbox), "3");
    }

    #[test]
    fn the_last_frame_waits_for_the_frame_under_way_and_for_nothing_else() {
        let mut outbox = Outbox::default();
        outbox.push(piece("[a", Ends::Nothing), Charge::Counted);
        outbox.push(piece("a]", Ends::Frame), Charge::Counted);
        outbox.push(piece("[b]", Ends::Message), Charge::Counted);
        assert_eq!(outbox.take(Ends::Message).unwrap().bytes, "[a");
        outbox.close_with(Bytes::from_static(b"close"));
        outbox.push(piece("late", Ends::Message), Charge::Counted);
        assert_eq!(outbox.take(Ends::Nothing).unwrap().bytes, "a]");
        assert_eq!(outbox.take(Ends::Frame).unwrap().bytes, "close");
        assert!(outbox.take(Ends::Message).is_none());
        assert_eq!(outbox.charged_bytes(), 0);
    }

    #[test]
    fn only_counted_bytes_are_charged() {
        let mut outbox = Outbox::default();
        outbox.push(piece("abc", Ends::Message), Charge::Counted);
        outbox.push(piece("negative", Ends::Message), Charge::Free);
        assert_eq!(outbox.charged_bytes(), 3);
        assert_eq!(take_all(&mut outbox), "abcnegative");
        assert_eq!(outbox.charged_bytes(), 0);
    }
}
