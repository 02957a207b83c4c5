//! The native WebSocket `/ws`: JSON and binary pictures, with history,
//! positions and acks.

mod format;
mod pictures;

use std::future;
use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use hub::{Body, DedupKey, Draft, Join, Leave, PersonName, PublishError, Receipt, Reply, RoomName, Since, StoreError};
use wire::error_code::ErrorCode;
use wire::native::{self, Command, Message};
use wire::websocket::{CloseCode, Utf8};

use super::params;
use super::upgrade::upgrade;
use crate::app::App;
use crate::error::ApiError;
use crate::input::MessageBounds;
use crate::metrics::Speaks;
use crate::peer::Client;
use crate::query::Query;
use crate::rate::Bucket;
use crate::session::{Close, Door, Reads};
use crate::sink::{Room, Seat, Session};

pub(crate) use format::NativeFormat;
use format::frame;
use pictures::Pictures;

/// Bytes of a session key that we make: 128 bits cannot be guessed.
const SESSION_KEY_BYTES: usize = 16;

/// What a client asked for with its URL.
struct Entrance {
    room: Arc<Room>,
    name: PersonName,
    since: Since,
    session_key: Arc<str>,
    /// By which address it reached us.
    origin: Arc<str>,
}

/// `GET /ws?room=R&name=N[&since=OFFSET&epoch=E][&session=KEY]`.
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    client: Client,
    RawQuery(query): RawQuery,
    mut request: Request,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref());
    let room = RoomName::parse(query.get("room").unwrap_or(params::DEFAULT_ROOM))?;
    let entrance = Entrance {
        name: params::name(&query)?,
        since: params::since(&query)?,
        session_key: session_key(query.get("session"))?,
        room: app.room(&room, client.address).await?,
        origin: client.origin,
    };
    let bounds = MessageBounds {
        message_max_bytes: app.limits.session.image_max_bytes,
        text_max_bytes: app.limits.session.text_frame_max_bytes,
    };
    Ok(upgrade(&app, Speaks::Native, &mut request, bounds, move |app, session| enter(app, session, entrance)))
}

/// The key that the client brought, or a new one.
fn session_key(brought: Option<&str>) -> Result<Arc<str>, ApiError> {
    let Some(key) = brought.filter(|key| !key.is_empty()) else {
        return Ok(URL_SAFE_NO_PAD.encode(rand::random::<[u8; SESSION_KEY_BYTES]>()).into());
    };
    let is_word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_word || !(16..=128).contains(&key.len()) {
        let message = "session: 16 to 128 letters, digits, - and _, as given in welcome";
        return Err(ApiError::bad_request(ErrorCode::BadField, message));
    }
    Ok(key.into())
}

async fn enter(app: Arc<App>, session: Arc<Session>, entrance: Entrance) -> Result<NativeDoor, Leave> {
    let join = Join {
        name: entrance.name.clone(),
        format: app.formats.native,
        since: entrance.since,
        history: app.limits.session.history_messages,
    };
    let joined = app
        .hub
        .join(&entrance.room, &session, join, |welcome| {
            Some(frame(&Message::Welcome {
                room: entrance.room.name().as_str(),
                name: entrance.name.as_str(),
                session: Some(&entrance.session_key),
                epoch: &welcome.epoch.to_string(),
                offset: welcome.offset.0,
                head: welcome.head.0,
                members: welcome.members,
                durability: app.hub.store().durability(entrance.room.name()).name(),
                recovered: welcome.recovered,
            }))
        })
        .await;
    let seat = joined.map_err(|error| {
        tracing::warn!(room = %entrance.room.name(), %error, "somebody could not join");
        Leave::StoreDown
    })?;
    Ok(NativeDoor {
        bucket: Bucket::new(app.limits.rates.messages),
        nonsense: Bucket::of_nonsense(&app.limits.session),
        pictures: None,
        app,
        session,
        name: entrance.name,
        session_key: entrance.session_key,
        origin: entrance.origin,
        seat,
    })
}

struct NativeDoor {
    app: Arc<App>,
    session: Arc<Session>,
    name: PersonName,
    session_key: Arc<str>,
    origin: Arc<str>,
    seat: Seat,
    bucket: Bucket,
    nonsense: Bucket,
    /// Once there was one: most who chat send none.
    pictures: Option<Box<Pictures>>,
}

impl NativeDoor {
    async fn publish(&mut self, body: Body, id: Option<Arc<str>>) {
        let dedup = self.dedup(id.clone());
        let draft = Draft { from: self.name.clone(), body, as_sent: None, id: id.clone() };
        let reply = Reply::To(Arc::clone(&self.session), Box::new(move |result| answer(id.as_deref(), result)));
        self.app.hub.publish(self.seat.room(), draft, dedup, reply).await;
    }

    fn dedup(&self, id: Option<Arc<str>>) -> Option<DedupKey> {
        id.map(|id| DedupKey { session: Arc::clone(&self.session_key), id })
    }

    fn pictures(&mut self) -> &mut Pictures {
        self.pictures.get_or_insert_with(|| Box::new(Pictures::new(&self.app, &self.session)))
    }

    fn refuse(&self, code: ErrorCode, message: &str, id: Option<&str>) {
        self.session.push(frame(&Message::Error { code, message, id, image: None }));
    }

    async fn obey(&mut self, command: Command<'_>) {
        match command {
            Command::Chat { text, id } => self.publish(Body::Text(into_bytes(&text)), id.map(Into::into)).await,
            Command::Data { data, id } => {
                self.publish(Body::Json(into_bytes(data.get())), id.map(Into::into)).await;
            }
            Command::Image { data, id, share } => {
                let id: Option<Arc<str>> = id.map(Into::into);
                let share = share.then(|| pictures::Share {
                    room: Arc::clone(self.seat.room()),
                    from: self.name.clone(),
                    origin: Arc::clone(&self.origin),
                    dedup: self.dedup(id.clone()),
                });
                self.pictures().take_json(&data, id, share);
            }
            Command::Ping { id } => self.session.push(frame(&Message::Pong { id: id.as_deref() })),
        }
    }
}

fn into_bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Tells a publisher what became of its message; one without an id is told of
/// failures only.
fn answer(id: Option<&str>, result: Result<Receipt, PublishError>) -> Option<Bytes> {
    match result {
        Ok(receipt) => id.map(|id| {
            let epoch = receipt.epoch.to_string();
            frame(&Message::Ack { id, offset: receipt.offset.0, epoch: &epoch })
        }),
        Err(error) => {
            let message = error.to_string();
            Some(frame(&Message::Error { code: publish_error_code(&error), message: &message, id, image: None }))
        }
    }
}

fn publish_error_code(error: &PublishError) -> ErrorCode {
    match error {
        PublishError::TooLarge { .. } | PublishError::Store(StoreError::BlobTooLarge { .. }) => ErrorCode::TooLarge,
        PublishError::Overloaded => ErrorCode::Overloaded,
        PublishError::Store(StoreError::Down) => ErrorCode::StoreDown,
    }
}

impl Door for NativeDoor {
    async fn text(&mut self, text: Utf8) -> Result<(), Close> {
        let command = native::parse(text.as_str(), &self.app.limits.native);
        if !self.bucket.take() {
            let id = match &command {
                Ok(command) => command.id().map(str::to_owned),
                Err(error) => error.id.clone(),
            };
            self.refuse(ErrorCode::RateLimited, "too many messages in a short time", id.as_deref());
            return Ok(());
        }
        match command {
            Ok(command) => self.obey(command).await,
            Err(error) => {
                self.refuse(error.code, &error.message, error.id.as_deref());
                if !self.nonsense.take() {
                    return Err(Close::new(CloseCode::POLICY, "too many messages that make no sense"));
                }
            }
        }
        Ok(())
    }

    async fn binary(&mut self, bytes: Bytes) -> Result<(), Close> {
        if self.bucket.take() {
            self.pictures().take_binary(bytes);
        } else {
            self.pictures().refuse_binary(ErrorCode::RateLimited, "too many messages in a short time");
        }
        Ok(())
    }

    async fn answer(&mut self) {
        match &mut self.pictures {
            Some(pictures) => pictures.answer().await,
            None => future::pending().await,
        }
    }

    fn reads(&self) -> Reads {
        let waiting = self.pictures.as_ref().map_or(0, |pictures| pictures.waiting());
        if waiting < self.app.limits.session.answers_max { Reads::Now } else { Reads::AfterAnAnswer }
    }

    fn settle(&self) {
        self.seat.settle();
    }

    fn too_slow(&self) -> Close {
        Close::new(CloseCode::TOO_SLOW, "too slow: come back with your position")
    }
}

/// A JSON message as a frame of its own.
fn put(message: &Message<'_>, out: &mut BytesMut) {
    wire::websocket::put_frame_with(out, wire::websocket::Opcode::Text, |out| message.put(out));
}
