//! The raw relay `/ws/raw/<room>`: what one sends, all of the door receive,
//! byte for byte.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use hub::{AsSent, Body, Draft, Encode, Event, Happening, Join, Leave, PersonName, Reply, RoomName, Since};
use wire::websocket::{CloseCode, Opcode, Utf8, put_frame};

use super::upgrade::upgrade;
use crate::app::App;
use crate::error::ApiError;
use crate::formats;
use crate::input::MessageBounds;
use crate::metrics::Speaks;
use crate::peer::Client;
use crate::plain_text::{PlainText, Urls};
use crate::rate::Bucket;
use crate::session::{Close, Door, Reads};
use crate::sink::{Room, Seat, Session};

/// `GET /ws/raw/<room>`.
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    client: Client,
    Path(room): Path<String>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let room = app.room(&RoomName::parse(&room)?, client.address).await?;
    let max = app.limits.session.raw_message_max_bytes;
    let bounds = MessageBounds::up_to(max);
    Ok(upgrade(&app, Speaks::Raw, &mut request, bounds, move |app, session| enter(app, session, room)))
}

async fn enter(app: Arc<App>, session: Arc<Session>, room: Arc<Room>) -> Result<RawDoor, Leave> {
    let name = PersonName::guest();
    let join = Join { name: name.clone(), format: app.formats.raw, since: Since::Live, history: 0 };
    // Only the store could refuse, and a live join does not ask it.
    let seat = app.hub.join(&room, &session, join, |_| None).await.map_err(|_| Leave::StoreDown)?;
    Ok(RawDoor { bucket: Bucket::new(app.limits.rates.messages), session, app, name, seat })
}

struct RawDoor {
    app: Arc<App>,
    session: Arc<Session>,
    name: PersonName,
    seat: Seat,
    bucket: Bucket,
}

impl RawDoor {
    async fn publish(&mut self, body: Body, bytes: Bytes) {
        self.bucket.charge();
        let as_sent = Some(AsSent { dialect: formats::RAW, bytes });
        let draft = Draft { from: self.name.clone(), body, as_sent, id: None };
        self.app.hub.publish(self.seat.room(), draft, None, Reply::OrLeave(Arc::clone(&self.session))).await;
    }
}

impl Door for RawDoor {
    async fn text(&mut self, text: Utf8) -> Result<(), Close> {
        let bytes = text.into_bytes();
        self.publish(Body::Text(bytes.clone()), bytes).await;
        Ok(())
    }

    async fn binary(&mut self, bytes: Bytes) -> Result<(), Close> {
        self.publish(Body::Bytes(bytes.clone()), bytes).await;
        Ok(())
    }

    /// The door has no way to refuse a message: over the rate its peer is not
    /// read until the rate allows.
    fn reads(&self) -> Reads {
        self.bucket.next_at().into()
    }

    fn settle(&self) {
        self.seat.settle();
    }

    fn too_slow(&self) -> Close {
        Close::new(CloseCode::TOO_SLOW, "too slow: what was missed is gone")
    }
}

/// Writes messages for members of this door.
#[derive(Debug)]
pub(crate) struct RawFormat {
    plain: PlainText,
}

impl RawFormat {
    /// `base_path` stands before the paths of whole URLs.
    #[must_use]
    pub(crate) fn new(base_path: &str) -> Self {
        Self { plain: PlainText::new(Urls::Whole, base_path) }
    }
}

impl Encode for RawFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        // Comings and goings are told at the native door only.
        let Happening::Message(message) = event.happening else { return };
        let draft = &message.draft;
        match (&draft.body, draft.as_sent_in(formats::RAW)) {
            (Body::Bytes(bytes), _) => put_frame(out, Opcode::Binary, bytes),
            (Body::Text(_), Some(text)) => put_frame(out, Opcode::Text, text),
            (Body::Text(_) | Body::Json(_) | Body::Image(_), _) => {
                let line = self.plain.line(draft).expect("only bytes are no text");
                put_frame(out, Opcode::Text, line.as_bytes());
            }
        }
    }
}
