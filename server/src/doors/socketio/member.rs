//! A client inside the main namespace: its name, its dialects, its rooms.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hub::{AsSent, Body, Draft, Join, Message, NameError, PersonName, Position, Reply, RoomError, RoomName, Since};
use serde::Serialize;
use wire::error_code::ErrorCode;
use wire::socketio::{put_connected, put_event};

use super::command::Refusal;
use super::dialect::{Spoken, Voice};
use super::format::put_messages;
use super::out::{Out, put_message};
use super::random_id;
use super::reply::Asked;
use crate::app::App;
use crate::doors::params::DEFAULT_ROOM;
use crate::peer::Client;
use crate::plain_text::{PlainText, Urls};
use crate::sink::{Room, Seat};

/// A socket that has entered.
pub(super) struct Member {
    name: PersonName,
    voice: Voice,
    seats: Vec<Seat>,
}

/// What a `join` is acked with.
#[derive(Serialize)]
struct Joined<'a> {
    room: &'a str,
    name: &'a str,
    epoch: String,
    offset: u64,
    head: u64,
    members: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
}

#[derive(Serialize)]
struct Left<'a> {
    room: &'a str,
}

impl Member {
    /// Enters the main namespace and with it the default room.
    ///
    /// # Errors
    ///
    /// When the room cannot be opened or read.
    pub(super) async fn enter(at: At<'_>) -> Result<Self, Refusal> {
        let At { app, out, .. } = at;
        let room = at.open(DEFAULT_ROOM).await?;
        let limit = usize::try_from(app.limits.session.history_messages).unwrap_or(usize::MAX);
        let latest = app.hub.read(&room, Since::Latest, limit).await.map_err(RoomError::from)?;
        let first = welcome(at, &latest.messages);
        let (name, voice) = (PersonName::guest(), Voice::default());
        let join = Join {
            name: name.clone(),
            format: app.formats.socketio.of(voice.hears(), out.transport),
            // What was said since the list was read follows it.
            since: Since::After(Position { offset: latest.head, epoch: latest.epoch }),
            history: 0,
        };
        let seat = app.hub.join(&room, &out.session, join, |_| Some(first)).await.map_err(RoomError::from)?;
        Ok(Self { name, voice, seats: vec![seat] })
    }

    /// Notes what it speaks: from here on it hears its own dialects alone.
    pub(super) fn speak(&mut self, spoken: Spoken, app: &App, out: &Out) {
        let heard = self.voice.hears();
        self.voice.add(spoken);
        if self.voice.hears() != heard {
            let format = app.formats.socketio.of(self.voice.hears(), out.transport);
            self.seats.iter().for_each(|seat| seat.reformat(format));
        }
    }

    /// Says something in a room, the default one if none is named.
    ///
    /// # Errors
    ///
    /// When the name or the room is none; what the store says comes later.
    pub(super) async fn say(
        &mut self,
        at: At<'_>,
        (room, name): (Option<String>, Option<String>),
        (body, as_sent): (Body, Option<AsSent>),
        asked: Asked,
    ) -> Result<(), Refusal> {
        let from = match name.filter(|name| !name.is_empty()) {
            Some(name) => PersonName::parse(&name)?,
            None => self.name.clone(),
        };
        let room = room.as_deref().filter(|room| !room.is_empty()).unwrap_or(DEFAULT_ROOM);
        let room = match self.seat(&RoomName::parse(room)?) {
            Some(place) => Arc::clone(self.seats[place].room()),
            None => at.open(room).await?,
        };
        let draft = Draft { from, body, as_sent, id: None };
        let out = at.out.clone();
        let reply = Reply::To(Arc::clone(&out.session), Box::new(move |result| asked.published(&out, result)));
        at.app.hub.publish(&room, draft, None, reply).await;
        Ok(())
    }

    /// Enters a room; one that it is in already only if it brings a position,
    /// from which it is given what it missed.
    ///
    /// # Errors
    ///
    /// When the name or the room is none, or it is in too many rooms.
    pub(super) async fn join(
        &mut self,
        at: At<'_>,
        username: Option<String>,
        room: &str,
        since: Since,
        asked: &Asked,
    ) -> Result<(), Refusal> {
        if let Some(username) = username.filter(|username| !username.is_empty()) {
            self.name = PersonName::parse(&username)?;
        }
        let place = self.seat(&RoomName::parse(room)?);
        let room = match place {
            Some(place) => Arc::clone(self.seats[place].room()),
            None if self.seats.len() >= at.app.limits.socketio.rooms_max => {
                return Err(Refusal::new(ErrorCode::TooManyRooms, "this socket is in as many rooms as it may"));
            }
            None => at.open(room).await?,
        };
        let joined = |told: &hub::Welcome| Joined {
            room: room.name().as_str(),
            name: self.name.as_str(),
            epoch: told.epoch.to_string(),
            offset: told.offset.0,
            head: told.head.0,
            members: told.members,
            recovered: told.recovered,
        };
        if place.is_some() && since == Since::Live {
            let Position { offset, epoch } = room.position();
            let told = hub::Welcome { epoch, offset, head: offset, members: room.members(), recovered: None };
            at.out.session.push(asked.ack(at.out, &joined(&told)).unwrap_or_default());
            return Ok(());
        }
        let join = Join {
            name: self.name.clone(),
            format: at.app.formats.socketio.of(self.voice.hears(), at.out.transport),
            since,
            history: at.app.limits.session.history_messages,
        };
        // The old place is given up first, so that nothing comes twice.
        place.map(|place| self.seats.swap_remove(place));
        let welcome = |told: &hub::Welcome| asked.ack(at.out, &joined(told));
        let seat = at.app.hub.join(&room, &at.out.session, join, welcome).await.map_err(RoomError::from)?;
        self.seats.push(seat);
        Ok(())
    }

    /// Leaves a room, after what was said there so far.
    ///
    /// # Errors
    ///
    /// When it is not in it.
    pub(super) async fn leave(&mut self, at: At<'_>, room: &str, asked: &Asked) -> Result<(), Refusal> {
        let room = RoomName::parse(room)?;
        let Some(place) = self.seat(&room) else {
            return Err(Refusal::new(ErrorCode::BadField, "this socket is not in that room"));
        };
        at.app.hub.settle().await;
        self.seats[place].settle();
        at.out.session.flush();
        drop(self.seats.swap_remove(place));
        at.out.session.push(asked.ack(at.out, &Left { room: room.as_str() }).unwrap_or_default());
        Ok(())
    }

    fn seat(&self, room: &RoomName) -> Option<usize> {
        self.seats.iter().position(|seat| seat.room().name() == room)
    }

    pub(super) fn settle(&self) {
        self.seats.iter().for_each(Seat::settle);
    }

    /// Has all its rooms write to `out` from here on, once they may
    /// [`go_on`](Self::go_on).
    pub(super) fn move_to(&mut self, app: &App, out: &Out) {
        let format = app.formats.socketio.of(self.voice.hears(), out.transport);
        self.seats.iter_mut().for_each(|seat| seat.move_to(&out.session, format));
    }

    pub(super) fn go_on(&self) {
        self.seats.iter().for_each(Seat::go_on);
    }
}

/// Where an event is dealt with.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) client: &'a Client,
    pub(super) out: &'a Out,
}

/// That it has entered, and the latest messages.
fn welcome(at: At<'_>, latest: &[Arc<Message>]) -> Bytes {
    let plain = PlainText::new(Urls::Whole, &at.app.config.base_path);
    let mut out = BytesMut::new();
    // Another id than the session's, which is its credential.
    put_message(at.out.transport, &mut out, |out| put_connected(out, &random_id()));
    put_message(at.out.transport, &mut out, |out| {
        put_event(out, "messages", |out| put_messages(out, &plain, latest.iter().map(|message| &message.draft)));
    });
    out.freeze()
}

impl At<'_> {
    async fn open(self, room: &str) -> Result<Arc<Room>, Refusal> {
        Ok(self.app.room(&RoomName::parse(room)?, self.client.address).await?)
    }
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        Self::new(ErrorCode::BadField, error.to_string())
    }
}

impl From<RoomError> for Refusal {
    fn from(error: RoomError) -> Self {
        let code = match error {
            RoomError::TooMany { .. } | RoomError::NotAdmitted => ErrorCode::TooManyRooms,
            RoomError::Store(_) => ErrorCode::StoreDown,
        };
        Self::new(code, error.to_string())
    }
}
