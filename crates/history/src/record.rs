//! A message as bytes, in a stream of Redis or in a file.
//!
//! ```text
//! kind  flags  sender's length, sender  [label's length, label]  [dialect]  [length of what was sent, what was sent]  body
//!  1     1          2                         2                      1                     4
//! ```
//!
//! Numbers are big-endian. Offset and time stand beside it.

use bytes::{Buf, BufMut, Bytes};
use hub::{AsSent, Body, Dialect, Draft, PersonName};
use thiserror::Error;

use crate::shared_image;

/// What a message costs beside its own bytes. Measured: 60 to 70 in Redis, for
/// a message of 100 bytes with its place in the stream; 40 to 80 in a file.
const OVERHEAD_BYTES: usize = 80;

const TEXT: u8 = 1;
const JSON: u8 = 2;
const IMAGE: u8 = 3;
const BYTES: u8 = 4;

const HAS_LABEL: u8 = 1;
const HAS_DIALECT: u8 = 2;
/// Else it was sent as its body says.
const HAS_SENT: u8 = 4;

/// What is held is no message of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("what is held is not a message")]
pub(crate) struct NotAMessage;

/// Bytes that count against the room's bound.
pub(crate) fn cost(draft: &Draft) -> usize {
    draft.len() + OVERHEAD_BYTES
}

/// The bytes of a message.
pub(crate) fn write(draft: &Draft) -> Vec<u8> {
    let mut out = Vec::with_capacity(draft.len() + 16);
    put(&mut out, draft);
    out
}

/// Appends the bytes of a message.
pub(crate) fn put(out: &mut Vec<u8>, draft: &Draft) {
    let image;
    let (kind, body) = match &draft.body {
        Body::Text(text) => (TEXT, text.as_ref()),
        Body::Json(json) => (JSON, json.as_ref()),
        Body::Bytes(bytes) => (BYTES, bytes.as_ref()),
        Body::Image(shared) => {
            image = shared_image::write(shared);
            (IMAGE, image.as_bytes())
        }
    };
    let sent = draft.as_sent.as_ref().map(|sent| sent.bytes.as_ref()).filter(|sent| *sent != body);
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    out.put_u8(kind);
    out.put_u8(
        flag(draft.id.is_some(), HAS_LABEL)
            | flag(draft.as_sent.is_some(), HAS_DIALECT)
            | flag(sent.is_some(), HAS_SENT),
    );
    put_short(out, draft.from.as_str());
    if let Some(id) = &draft.id {
        put_short(out, id);
    }
    if let Some(as_sent) = &draft.as_sent {
        out.put_u8(as_sent.dialect.0);
    }
    if let Some(sent) = sent {
        out.put_u32(u32::try_from(sent.len()).expect("no message has 4 GiB"));
        out.put_slice(sent);
    }
    out.put_slice(body);
}

/// Names and labels are bounded by the doors, far below 64 KiB.
fn put_short(out: &mut Vec<u8>, text: &str) {
    out.put_u16(u16::try_from(text.len()).expect("names and labels are short"));
    out.put_slice(text.as_bytes());
}

/// # Errors
///
/// When these are not bytes of [`write()`].
pub(crate) fn read(mut bytes: Bytes) -> Result<Draft, NotAMessage> {
    let kind = bytes.try_get_u8().map_err(|_| NotAMessage)?;
    let flags = bytes.try_get_u8().map_err(|_| NotAMessage)?;
    let from = PersonName::parse(&take_short(&mut bytes)?).map_err(|_| NotAMessage)?;
    let id = if flags & HAS_LABEL > 0 { Some(take_short(&mut bytes)?.into()) } else { None };
    let dialect =
        if flags & HAS_DIALECT > 0 { Some(Dialect(bytes.try_get_u8().map_err(|_| NotAMessage)?)) } else { None };
    let sent = if flags & HAS_SENT > 0 {
        let length = bytes.try_get_u32().map_err(|_| NotAMessage)?;
        Some(take(&mut bytes, length as usize)?)
    } else {
        None
    };
    let as_sent = dialect.map(|dialect| AsSent { dialect, bytes: sent.unwrap_or_else(|| bytes.clone()) });
    let body = match kind {
        TEXT => Body::Text(bytes),
        JSON => Body::Json(bytes),
        BYTES => Body::Bytes(bytes),
        IMAGE => Body::Image(shared_image::read(&bytes).ok_or(NotAMessage)?),
        _ => return Err(NotAMessage),
    };
    Ok(Draft { from, body, as_sent, id })
}

fn take_short(bytes: &mut Bytes) -> Result<String, NotAMessage> {
    let length = bytes.try_get_u16().map_err(|_| NotAMessage)?;
    let text = take(bytes, usize::from(length))?;
    String::from_utf8(text.into()).map_err(|_| NotAMessage)
}

pub(crate) fn take(bytes: &mut Bytes, length: usize) -> Result<Bytes, NotAMessage> {
    if bytes.len() < length { Err(NotAMessage) } else { Ok(bytes.split_to(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: Body) -> Draft {
        Draft { from: PersonName::parse("ada").unwrap(), body, as_sent: None, id: None }
    }

    #[test]
    fn a_message_cut_short_is_none() {
        let as_sent = AsSent { dialect: Dialect(3), bytes: "sent".into() };
        let whole = Draft { as_sent: Some(as_sent), id: Some("c1".into()), ..draft(Body::Text("hei".into())) };
        let bytes = Bytes::from(write(&whole));
        let head = bytes.len() - 3;
        for length in 0..head {
            assert_eq!(read(bytes.slice(..length)).err(), Some(NotAMessage), "{length}");
        }
        let back = read(bytes).unwrap();
        assert_eq!((back.body, back.as_sent, back.id), (whole.body, whole.as_sent, whole.id));
    }

    #[test]
    fn what_was_sent_is_kept_once_where_it_is_the_body() {
        let as_sent = |bytes: &'static str| Some(AsSent { dialect: Dialect(0), bytes: bytes.into() });
        let same = Draft { as_sent: as_sent("hei"), ..draft(Body::Text("hei".into())) };
        let other = Draft { as_sent: as_sent(""), ..draft(Body::Text("hei".into())) };
        assert_eq!(write(&same).len(), 1 + 1 + 2 + 3 + 1 + 3);
        for draft in [same, other] {
            assert_eq!(read(write(&draft).into()).unwrap().as_sent, draft.as_sent);
        }
    }
}
