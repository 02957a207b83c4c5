//! The elements that are sent to htmx pages: each has an id and says itself
//! where it goes, for what does not would replace the page (htmx 4).

use std::borrow::Cow;

use askama::Template;
use bytes::{Bytes, BytesMut};
use hub::{Body, Draft};
use wire::websocket::{Opcode, put_frame_with};

use crate::plain_text::PlainText;

/// A message of the conversation.
#[derive(Debug)]
pub(super) struct Line<'a> {
    from: &'a str,
    said: Said<'a>,
}

#[derive(Debug)]
enum Said<'a> {
    Text(Cow<'a, str>),
    Image { url: String, alt: String, width: u32, height: u32 },
}

impl<'a> Line<'a> {
    /// Nothing for bytes, which this door does not show.
    pub(super) fn new(draft: &'a Draft, plain: &PlainText) -> Option<Self> {
        let text = plain.text(&draft.body)?;
        let said = match &draft.body {
            Body::Image(image) => Said::Image {
                url: text.into_owned(),
                alt: format!("A negative, {} × {} pixels", image.width, image.height),
                width: image.width,
                height: image.height,
            },
            Body::Text(_) | Body::Json(_) | Body::Bytes(_) => Said::Text(text),
        };
        Some(Self { from: draft.from.as_str(), said })
    }
}

/// One more message at the end of the conversation.
#[derive(Debug, Template)]
#[template(path = "htmx/appended.html")]
pub(super) struct Appended<'a> {
    pub(super) line: Line<'a>,
}

/// All that the conversation shows, in place of what it showed before.
#[derive(Debug, Template)]
#[template(path = "htmx/history.html")]
pub(super) struct History<'a> {
    pub(super) lines: Vec<Line<'a>>,
}

/// What a sender alone is told of what it did wrong, if anything.
#[derive(Debug, Template)]
#[template(path = "htmx/errors.html")]
pub(super) struct Errors<'a> {
    pub(super) why: Option<&'a str>,
    /// The text, where the page does not show it any more.
    pub(super) refused: Option<&'a str>,
}

/// Appends an element as a frame.
pub(super) fn put(element: &impl Template, out: &mut BytesMut) {
    put_frame_with(out, Opcode::Text, |out| {
        element.render_into(out).expect("memory can be written to");
    });
}

/// An element as a frame of its own.
pub(super) fn frame(element: &impl Template) -> Bytes {
    let mut out = BytesMut::new();
    put(element, &mut out);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use hub::{BlobId, PersonName, SharedImage};

    use super::*;
    use crate::plain_text::Urls;

    fn draft(from: &str, body: Body) -> Draft {
        Draft { from: PersonName::parse(from).unwrap(), body, as_sent: None, id: None }
    }

    #[track_caller]
    fn check(draft: &Draft, expected: Option<&str>) {
        let line = Line::new(draft, &PlainText::new(Urls::Relative, "/base"));
        let element = line.map(|line| Appended { line }.render().unwrap());
        let expected = expected.map(|p| format!(r#"<div id="chat_room" hx-swap-oob="beforeend">{p}</div>"#));
        assert_eq!(element, expected);
    }

    #[test]
    fn every_kind_of_message_is_one_element() {
        check(&draft("ada", Body::Text("hei".into())), Some("<p><b>ada</b> hei</p>"));
        check(&draft("ada", Body::Json(r#"[1.50]"#.into())), Some("<p><b>ada</b> [1.50]</p>"));
        check(&draft("ada", Body::Bytes("hei".into())), None);
        let image = SharedImage {
            blob: BlobId("abc".into()),
            format: "png".into(),
            width: 2,
            height: 3,
            origin: "http://x".into(),
        };
        let shown = r#"<img src="/base/images/abc" alt="A negative, 2 × 3 pixels" width="2" height="3">"#;
        check(&draft("ada", Body::Image(image)), Some(&format!("<p><b>ada</b> {shown}</p>")));
    }

    #[test]
    fn markup_is_inert() {
        let evil = r#"<img src=x onerror="alert('1')"> &amp; <i hx-swap-oob="delete">"#;
        let line = draft(evil, Body::Text(evil.to_owned().into()));
        let line = Line::new(&line, &PlainText::new(Urls::Relative, "")).unwrap();
        let element = History { lines: vec![line] }.render().unwrap();
        let inner = element.strip_prefix(r#"<div id="chat_room" hx-swap-oob="innerHTML:#chat_room"><p><b>"#).unwrap();
        let (from, text) = inner.strip_suffix("</p></div>").unwrap().split_once("</b> ").unwrap();
        assert_eq!(from, text);
        assert!(!from.contains(['<', '>', '"', '\'']), "{from}");
        assert!(from.contains("&#38;amp;") || from.contains("&amp;amp;"), "{from}");
        let errors = Errors { why: Some(evil), refused: Some(evil) }.render().unwrap();
        assert!(!errors.contains("<img") && errors.contains("<p>"), "{errors}");
    }
}
