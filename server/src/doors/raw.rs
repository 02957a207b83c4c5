//! The raw relay `/ws/raw/<room>`: what one sends, all of the door receive,
//! byte for byte.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use hub::{AsSent, Body, Dialect, Draft, Encode, Event, Happening, Join, PersonName, Reply, RoomName, Since};
use tokio::time::Instant;
use wire::websocket::{CloseCode, Opcode, Utf8, put_frame, put_frame_with};

use super::upgrade::upgrade;
use crate::app::{App, RAW};
use crate::error::ApiError;
use crate::input::MessageBounds;
use crate::metrics::Speaks;
use crate::peer::Client;
use crate::rate::Bucket;
use crate::session::{Close, Connection, Door};
use crate::sink::{Room, Seat};
use crate::urls::image_path;

/// What raw members sent, to the letter.
const DIALECT: Dialect = Dialect(1);

/// `GET /ws/raw/<room>`.
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    client: Client,
    Path(room): Path<String>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let room = app.room(&RoomName::parse(&room)?, client.address).await?;
    let max = app.limits.session.raw_message_max_bytes;
    let bounds = MessageBounds { message_max_bytes: max, text_max_bytes: max };
    let talk = {
        let app = Arc::clone(&app);
        move |connection: Connection| talk(app, connection, room)
    };
    Ok(upgrade(&app, Speaks::Raw, &mut request, bounds, talk))
}

async fn talk(app: Arc<App>, connection: Connection, room: Arc<Room>) {
    let name = PersonName::guest();
    let join = Join { name: name.clone(), format: RAW, since: Since::Live, history: 0 };
    // Only the store could refuse, and a live join does not ask it.
    let Ok(seat) = app.hub.join(&room, connection.session(), join, |_| None).await else { return };
    let door = RawDoor {
        bucket: Bucket::new(app.limits.rates.messages),
        session: Arc::clone(connection.session()),
        app,
        name,
        seat,
    };
    connection.run(door).await;
}

struct RawDoor {
    app: Arc<App>,
    session: Arc<crate::sink::Session>,
    name: PersonName,
    seat: Seat,
    bucket: Bucket,
}

impl RawDoor {
    async fn publish(&mut self, body: Body, bytes: Bytes) {
        self.bucket.charge();
        let as_sent = Some(AsSent { dialect: DIALECT, bytes });
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
    fn reads_at(&self) -> Option<Instant> {
        Some(self.bucket.next_at())
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
    base_path: String,
}

impl RawFormat {
    /// `base_path` stands before the paths of whole URLs.
    #[must_use]
    pub(crate) fn new(base_path: String) -> Self {
        Self { base_path }
    }
}

impl Encode for RawFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        // Comings and goings are told at the native door only.
        let Happening::Message(message) = event.happening else { return };
        let draft = &message.draft;
        match (&draft.body, &draft.as_sent) {
            (Body::Bytes(bytes), _) => put_frame(out, Opcode::Binary, bytes),
            (Body::Text(_), Some(AsSent { dialect: DIALECT, bytes })) => put_frame(out, Opcode::Text, bytes),
            (Body::Text(text) | Body::Json(text), _) => put_named(out, draft, text),
            (Body::Image(image), _) => {
                let url = format!("{}{}", image.origin, image_path(&self.base_path, &image.blob));
                put_named(out, draft, url.as_bytes());
            }
        }
    }
}

fn put_named(out: &mut BytesMut, draft: &Draft, text: &[u8]) {
    put_frame_with(out, Opcode::Text, |out| {
        out.put_slice(draft.from.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(text);
    });
}
