//! How a message is shown where only text is known: at every door whose own
//! dialect it was not sent in.
//!
//! | | text `hei` | JSON | picture | bytes |
//! |---|---|---|---|---|
//! | [`text`](PlainText::text) | `hei` | the JSON, as sent | its URL | – |
//! | [`line`](PlainText::line), sent by ada | `ada: hei` | `ada: ` and the JSON | `ada: ` and the URL | – |

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use hub::{Body, Draft};

use crate::urls::image_path;

/// Which URL of a picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urls {
    /// The path alone, for pages and programs that know where they asked.
    Relative,
    /// With the address under which the picture's sender reached the server,
    /// the same for all receivers.
    Whole,
}

/// Shows messages as text.
#[derive(Debug, Clone)]
pub(crate) struct PlainText {
    urls: Urls,
    base_path: Arc<str>,
}

impl PlainText {
    /// `base_path` stands before the paths of pictures.
    #[must_use]
    pub(crate) fn new(urls: Urls, base_path: &str) -> Self {
        Self { urls, base_path: base_path.into() }
    }

    /// What is said; nothing where that is bytes.
    pub(crate) fn text<'a>(&self, body: &'a Body) -> Option<Cow<'a, str>> {
        match body {
            Body::Text(text) | Body::Json(text) => Some(Cow::Borrowed(utf8(text))),
            Body::Image(image) => {
                let path = image_path(&self.base_path, &image.blob);
                Some(Cow::Owned(match self.urls {
                    Urls::Relative => path,
                    Urls::Whole => format!("{}{path}", image.origin),
                }))
            }
            Body::Bytes(_) => None,
        }
    }

    /// Who says it and what is said, such as `ada: hei`; nothing where that is
    /// bytes.
    pub(crate) fn line(&self, draft: &Draft) -> Option<String> {
        let text = self.text(&draft.body)?;
        Some(format!("{}: {text}", draft.from.as_str()))
    }
}

fn utf8(text: &Bytes) -> &str {
    std::str::from_utf8(text).expect("a door lets only UTF-8 into a text or JSON body")
}

#[cfg(test)]
mod tests {
    use hub::{BlobId, PersonName, SharedImage};

    use super::*;

    fn draft(body: Body) -> Draft {
        Draft { from: PersonName::parse("ada").unwrap(), body, as_sent: None, id: None }
    }

    fn picture() -> Body {
        let origin = "https://chat.example".into();
        Body::Image(SharedImage { blob: BlobId("abc".into()), format: "png".into(), width: 1, height: 1, origin })
    }

    #[track_caller]
    fn check(urls: Urls, body: Body, text: Option<&str>, line: Option<&str>) {
        let plain = PlainText::new(urls, "/base");
        assert_eq!(plain.text(&body).as_deref(), text);
        assert_eq!(plain.line(&draft(body)).as_deref(), line);
    }

    #[test]
    fn every_kind_of_message_is_shown_as_its_text() {
        for urls in [Urls::Relative, Urls::Whole] {
            check(urls, Body::Text("hei <b> æ".into()), Some("hei <b> æ"), Some("ada: hei <b> æ"));
            check(urls, Body::Json(r#"{"a": [1.50]}"#.into()), Some(r#"{"a": [1.50]}"#), Some(r#"ada: {"a": [1.50]}"#));
            check(urls, Body::Bytes("raw".into()), None, None);
        }
        check(Urls::Relative, picture(), Some("/base/images/abc"), Some("ada: /base/images/abc"));
        let whole = "https://chat.example/base/images/abc";
        check(Urls::Whole, picture(), Some(whole), Some(&format!("ada: {whole}")));
    }
}
