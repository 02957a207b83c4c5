//! Messages of a room as events, one format per set of dialects and
//! transport.

use bytes::{BufMut, Bytes, BytesMut};
use hub::{AsSent, Body, Draft, Encode, Event, Format, Happening};
use serde::Serialize;
use wire::engineio::Transport;
use wire::html_json::{Strings, put_escaped};
use wire::socketio::put_event;

use super::dialect::{Dialects, Spoken};
use super::out::put_message;
use crate::formats::{FormatList, SOCKETIO_MESSAGE, SOCKETIO_RECEIVE_MSG};
use crate::plain_text::{PlainText, Urls};

/// The formats of this door.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketIoFormats {
    polling: [Format; Dialects::SETS],
    websocket: [Format; Dialects::SETS],
}

impl SocketIoFormats {
    /// Adds them to the hub's.
    pub(crate) fn add_to(list: &mut FormatList, base_path: &str) -> Self {
        let mut add = |transport| {
            let mut formats = [Format(0); Dialects::SETS];
            for (format, dialects) in formats.iter_mut().zip(Dialects::sets()) {
                *format = list.add(EventsFormat { dialects, transport, plain: PlainText::new(Urls::Whole, base_path) });
            }
            formats
        };
        Self { polling: add(Transport::Polling), websocket: add(Transport::WebSocket) }
    }

    /// In which a socket is written to.
    pub(super) fn of(&self, dialects: Dialects, transport: Transport) -> Format {
        match transport {
            Transport::Polling => self.polling[dialects.index()],
            Transport::WebSocket => self.websocket[dialects.index()],
        }
    }
}

#[derive(Debug)]
struct EventsFormat {
    dialects: Dialects,
    transport: Transport,
    plain: PlainText,
}

impl Encode for EventsFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        // Comings and goings are told at the native door only.
        let Happening::Message(message) = event.happening else { return };
        let draft = &message.draft;
        if matches!(draft.body, Body::Bytes(_)) {
            return;
        }
        if self.dialects.contains(Spoken::NewMessage) {
            self.put(out, "messages", |out| put_messages(out, &self.plain, [draft]));
        }
        if self.dialects.contains(Spoken::Message) {
            let value = self.value(draft);
            let whose = as_sent(draft, SOCKETIO_MESSAGE).is_none().then(|| draft.from.as_str());
            self.put(out, "response", |out| self.put_response(out, draft, whose));
            self.put(out, "my response", |out| out.put_slice(&value));
        }
        if self.dialects.contains(Spoken::ReceiveMsg) {
            self.put(out, "the_response", |out| self.put_the_response(out, draft));
        }
    }
}

impl EventsFormat {
    fn put(&self, out: &mut BytesMut, name: &str, put_json: impl FnOnce(&mut BytesMut)) {
        put_message(self.transport, out, |out| put_event(out, name, put_json));
    }

    /// The JSON value of `my response`: what was sent, else how it is shown.
    fn value(&self, draft: &Draft) -> Bytes {
        match (as_sent(draft, SOCKETIO_MESSAGE), &draft.body) {
            (Some(value), _) | (None, Body::Json(value)) => value.clone(),
            (None, Body::Text(_) | Body::Image(_) | Body::Bytes(_)) => {
                to_json(&self.plain.line(draft).unwrap_or_default()).into()
            }
        }
    }

    /// `whose`: the name that is shown before what another dialect says.
    fn put_response(&self, out: &mut BytesMut, draft: &Draft, whose: Option<&str>) {
        // Of text the escaped value is a string, of all else JSON that is shown as text.
        let json = match &draft.body {
            Body::Json(value) => value.clone(),
            Body::Text(_) | Body::Image(_) | Body::Bytes(_) => {
                to_json(&self.plain.text(&draft.body).unwrap_or_default()).into()
            }
        };
        let whose = whose.map(|name| escaped(&to_json(name))).unwrap_or_default();
        let whose = if whose.is_empty() { String::new() } else { format!("{}: ", &whose[1..whose.len() - 1]) };
        let shown = escaped(as_text(&json));
        out.put_slice(br#"{"data":"Server received: "#);
        out.put_slice(whose.as_bytes());
        let as_string = if shown.starts_with('"') { shown } else { to_json(&shown) };
        out.put_slice(&as_string.as_bytes()[1..]);
        out.put_u8(b'}');
    }

    fn put_the_response(&self, out: &mut BytesMut, draft: &Draft) {
        if let Some(object) = as_sent(draft, SOCKETIO_RECEIVE_MSG) {
            return put_escaped(out, as_text(object), Strings::ValuesOnly);
        }
        out.put_slice(br#"{"user_name":"#);
        put_escaped(out, &to_json(draft.from.as_str()), Strings::All);
        out.put_slice(br#","message":"#);
        put_escaped(out, &to_json(&self.plain.text(&draft.body).unwrap_or_default()), Strings::All);
        out.put_u8(b'}');
    }
}

/// Appends the list of a `messages` event.
pub(super) fn put_messages<'a>(out: &mut BytesMut, plain: &PlainText, drafts: impl IntoIterator<Item = &'a Draft>) {
    #[derive(Serialize)]
    struct NewMessage<'a> {
        name: &'a str,
        text: &'a str,
    }

    out.put_u8(b'[');
    let mut is_first = true;
    for draft in drafts {
        let Some(text) = plain.text(&draft.body) else { continue };
        if !std::mem::take(&mut is_first) {
            out.put_u8(b',');
        }
        out.put_slice(to_json(&NewMessage { name: draft.from.as_str(), text: &text }).as_bytes());
    }
    out.put_u8(b']');
}

fn as_sent(draft: &Draft, dialect: hub::Dialect) -> Option<&Bytes> {
    match &draft.as_sent {
        Some(AsSent { dialect: sent, bytes }) if *sent == dialect => Some(bytes),
        _ => None,
    }
}

fn as_text(json: &Bytes) -> &str {
    std::str::from_utf8(json).expect("a door lets only JSON in as JSON")
}

fn escaped(json: &str) -> String {
    let mut out = BytesMut::new();
    put_escaped(&mut out, json, Strings::All);
    String::from_utf8(out.into()).expect("JSON stays text")
}

fn to_json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("memory can be written to, and every key is a string")
}

#[cfg(test)]
mod tests {
    use hub::{BlobId, Epoch, Message, Offset, PersonName, RoomName, SharedImage, Timestamp};

    use super::*;

    /// What a socket of all dialects is told over polling.
    fn events(body: Body, as_sent: Option<AsSent>) -> Vec<String> {
        let draft = Draft { from: PersonName::parse("ada<b>").unwrap(), body, as_sent, id: None };
        let message = Message { offset: Offset(1), time: Timestamp(0), draft };
        let epoch = Epoch { life: 1, generation: 0 };
        let event = Event { room: &RoomName::parse("lobby").unwrap(), epoch, happening: Happening::Message(&message) };
        let plain = PlainText::new(Urls::Whole, "/base");
        let mut out = BytesMut::new();
        EventsFormat { dialects: Dialects::ALL, transport: Transport::Polling, plain }.encode(&event, &mut out);
        let text = String::from_utf8(out.to_vec()).unwrap();
        text.split_terminator('\u{1e}').map(str::to_owned).collect()
    }

    fn sent(dialect: hub::Dialect, json: &'static str) -> Option<AsSent> {
        Some(AsSent { dialect, bytes: json.into() })
    }

    #[test]
    fn text_of_another_dialect() {
        assert_eq!(
            events(Body::Text("1 < 2 \"q\"".into()), None),
            [
                r#"42["messages",[{"name":"ada<b>","text":"1 < 2 \"q\""}]]"#,
                r#"42["response",{"data":"Server received: ada&lt;b&gt;: 1 &lt; 2 &quot;q&quot;"}]"#,
                r#"42["my response","ada<b>: 1 < 2 \"q\""]"#,
                r#"42["the_response",{"user_name":"ada&lt;b&gt;","message":"1 &lt; 2 &quot;q&quot;"}]"#,
            ]
        );
    }

    #[test]
    fn json_of_another_dialect() {
        assert_eq!(
            events(Body::Json(r#"{"k<":"<i>"}"#.into()), None),
            [
                r#"42["messages",[{"name":"ada<b>","text":"{\"k<\":\"<i>\"}"}]]"#,
                r#"42["response",{"data":"Server received: ada&lt;b&gt;: {\"k&lt;\":\"&lt;i&gt;\"}"}]"#,
                r#"42["my response",{"k<":"<i>"}]"#,
                r#"42["the_response",{"user_name":"ada&lt;b&gt;","message":"{&quot;k&lt;&quot;:&quot;&lt;i&gt;&quot;}"}]"#,
            ]
        );
    }

    #[test]
    fn pictures_are_shown_by_their_whole_url_and_bytes_not_at_all() {
        let origin = "https://chat.example".into();
        let image = SharedImage { blob: BlobId("abc".into()), format: "png".into(), width: 1, height: 1, origin };
        assert_eq!(
            events(Body::Image(image), None)[0],
            r#"42["messages",[{"name":"ada<b>","text":"https://chat.example/base/images/abc"}]]"#
        );
        assert_eq!(events(Body::Bytes("raw".into()), None), [""; 0]);
    }

    #[test]
    fn members_of_a_dialect_get_back_what_was_sent() {
        let text = events(Body::Text("<b>".into()), sent(SOCKETIO_MESSAGE, r#""\u003cb>""#));
        assert_eq!(text[1], r#"42["response",{"data":"Server received: &lt;b&gt;"}]"#);
        assert_eq!(text[2], r#"42["my response","\u003cb>"]"#);
        let json = r#"{"a":[1.50,"<b>"]}"#;
        let value = events(Body::Json(json.into()), sent(SOCKETIO_MESSAGE, json));
        assert_eq!(value[1], r#"42["response",{"data":"Server received: {\"a\":[1.50,\"&lt;b&gt;\"]}"}]"#);
        assert_eq!(value[2], r#"42["my response",{"a":[1.50,"<b>"]}]"#);
        let object = r#"{"user_name":"ada<b>","message":"<i>","extra":1}"#;
        let object = events(Body::Text("<i>".into()), sent(SOCKETIO_RECEIVE_MSG, object));
        let expected = r#"42["the_response",{"user_name":"ada&lt;b&gt;","message":"&lt;i&gt;","extra":1}]"#;
        assert_eq!(object[3], expected);
    }
}
