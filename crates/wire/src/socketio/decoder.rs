//! From messages to packets.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::packet::{DecodeError, Limits, Namespace, Packet, Payload};
use crate::json;
use crate::utf8::Utf8;

/// Names that clients' libraries use for themselves: no event has them.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Puts packets and their attachments together.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    pending: Option<Pending>,
}

/// A packet whose attachments are not all there.
#[derive(Debug)]
struct Pending {
    packet: Packet,
    missing: usize,
    bytes: usize,
}

impl Decoder {
    /// Nothing was decoded yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, pending: None }
    }

    /// Takes a text message; `None` when attachments follow.
    ///
    /// # Errors
    ///
    /// When it is no packet, or an attachment is due.
    pub fn text(&mut self, text: &Utf8) -> Result<Option<Packet>, DecodeError> {
        if let Some(Pending { missing, .. }) = self.pending {
            return Err(DecodeError::AttachmentsMissing { missing });
        }
        if text.as_bytes().len() > self.limits.packet_max_bytes {
            return Err(DecodeError::TooLarge { packet_max_bytes: self.limits.packet_max_bytes });
        }
        let (packet, missing) = parse(text, &self.limits)?;
        if missing == 0 {
            return Ok(Some(packet));
        }
        self.pending = Some(Pending { packet, missing, bytes: text.as_bytes().len() });
        Ok(None)
    }

    /// Takes an attachment; `None` when more follow.
    ///
    /// # Errors
    ///
    /// When no packet has announced it, or both together are too large.
    pub fn binary(&mut self, bytes: bytes::Bytes) -> Result<Option<Packet>, DecodeError> {
        let mut pending = self.pending.take().ok_or(DecodeError::UnexpectedBinary)?;
        pending.bytes += bytes.len();
        if pending.bytes > self.limits.packet_max_bytes {
            return Err(DecodeError::TooLarge { packet_max_bytes: self.limits.packet_max_bytes });
        }
        let (Packet::Event { payload, .. } | Packet::Ack { payload, .. }) = &mut pending.packet else {
            return Err(DecodeError::UnexpectedBinary);
        };
        payload.attachments.push(bytes);
        pending.missing -= 1;
        if pending.missing == 0 {
            return Ok(Some(pending.packet));
        }
        self.pending = Some(pending);
        Ok(None)
    }
}

/// Reads a packet, and how many attachments follow.
fn parse(text: &Utf8, limits: &Limits) -> Result<(Packet, usize), DecodeError> {
    let whole = text.as_str();
    let kind = whole.bytes().next().ok_or(DecodeError::UnknownKind)?;
    if !(b'0'..=b'6').contains(&kind) {
        return Err(DecodeError::UnknownKind);
    }
    let mut rest = &whole[1..];
    let is_binary = matches!(kind, b'5' | b'6');
    let attachments = if is_binary { take_attachments(&mut rest, limits)? } else { 0 };
    let namespace = take_namespace(&mut rest, limits)?;
    let id = take_id(&mut rest)?;
    let json = || text.tail(whole.len() - rest.len());
    let packet = match kind {
        b'0' => {
            let has_json = !rest.is_empty();
            if id.is_some() || has_json && !is_object(rest) {
                return Err(DecodeError::BadPayload);
            }
            Packet::Connect { namespace, json: has_json.then(json) }
        }
        b'1' if id.is_none() && rest.is_empty() => Packet::Disconnect { namespace },
        b'2' | b'5' if is_event(rest) => {
            Packet::Event { namespace, id, payload: Payload { json: json(), attachments: Vec::new() } }
        }
        b'3' | b'6' if is_array(rest) => {
            let id = id.ok_or(DecodeError::BadId)?;
            Packet::Ack { namespace, id, payload: Payload { json: json(), attachments: Vec::new() } }
        }
        b'4' if id.is_none() && is_object(rest) => Packet::ConnectError { namespace, json: json() },
        _ => return Err(DecodeError::BadPayload),
    };
    Ok((packet, attachments))
}

fn take_digits<'a>(rest: &mut &'a str) -> &'a str {
    let (digits, after) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
    *rest = after;
    digits
}

fn take_attachments(rest: &mut &str, limits: &Limits) -> Result<usize, DecodeError> {
    let digits = take_digits(rest);
    *rest = rest.strip_prefix('-').ok_or(DecodeError::BadAttachments)?;
    let attachments: u64 = digits.parse().map_err(|_| DecodeError::BadAttachments)?;
    let attachments_max = limits.attachments_max;
    usize::try_from(attachments)
        .ok()
        .filter(|attachments| *attachments <= attachments_max)
        .ok_or(DecodeError::TooManyAttachments { attachments, attachments_max })
}

fn take_namespace(rest: &mut &str, limits: &Limits) -> Result<Namespace, DecodeError> {
    if !rest.starts_with('/') {
        return Ok(Namespace::default());
    }
    // Without a comma the namespace is all that is left.
    let (name, after) = rest.split_once(',').unwrap_or((rest, ""));
    if name.len() > limits.namespace_max_bytes {
        return Err(DecodeError::NamespaceTooLong { bytes: name.len(), bytes_max: limits.namespace_max_bytes });
    }
    *rest = after;
    Ok(Namespace::named(name))
}

fn take_id(rest: &mut &str) -> Result<Option<u64>, DecodeError> {
    let digits = take_digits(rest);
    if digits.is_empty() {
        return Ok(None);
    }
    digits.parse().map(Some).map_err(|_| DecodeError::BadId)
}

fn is_valid(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_object(text: &str) -> bool {
    json::begins_object(text) && is_valid(text)
}

fn is_array(text: &str) -> bool {
    text.starts_with('[') && is_valid(text)
}

/// Whether it is an array that begins with a name that an event may have.
fn is_event(text: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Name<'a>(#[serde(borrow)] &'a RawValue);

    if !is_array(text) {
        return false;
    }
    let mut name = None;
    super::args::for_each(text, |place, value| {
        if place == 0 {
            name = serde_json::from_str(value.get()).ok().map(|Name(name)| name);
        }
    });
    name.is_some_and(|name: &RawValue| match json::as_string(name) {
        Some(name) => !RESERVED.contains(&&*name),
        // The reference takes numbers as names too.
        None => name.get().bytes().all(|byte| byte.is_ascii_digit()),
    })
}
