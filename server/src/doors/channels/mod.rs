//! The Channels style chat `/ws/chat/<room>/`: `{"message":"…"}` both ways, as
//! in the tutorial of Django Channels, and its two pages.

mod pages;

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use hub::{AsSent, Body, Draft, Encode, Event, Happening, Join, Leave, PersonName, Reply, RoomName, Since};
use wire::channels;
use wire::websocket::{CloseCode, Opcode, Utf8, put_frame_with};

use super::upgrade::upgrade;
use crate::app::App;
use crate::error::ApiError;
use crate::formats;
use crate::input::MessageBounds;
use crate::metrics::Speaks;
use crate::peer::Client;
use crate::plain_text::{PlainText, Urls};
use crate::rate::Bucket;
use crate::session::{Close, Door};
use crate::sink::{Room, Seat, Session};

pub(crate) use pages::{choose_room, show_room};

/// `GET /ws/chat/<room>/`.
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    client: Client,
    Path(room): Path<String>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let room = app.room(&RoomName::parse(&room)?, client.address).await?;
    let max = app.limits.session.text_frame_max_bytes;
    let bounds = MessageBounds::up_to(max);
    Ok(upgrade(&app, Speaks::Channels, &mut request, bounds, move |app, session| enter(app, session, room)))
}

async fn enter(app: Arc<App>, session: Arc<Session>, room: Arc<Room>) -> Result<ChannelsDoor, Leave> {
    let name = PersonName::guest();
    let join = Join { name: name.clone(), format: app.formats.channels, since: Since::Live, history: 0 };
    // Only the store could refuse, and a live join does not ask it.
    let seat = app.hub.join(&room, &session, join, |_| None).await.map_err(|_| Leave::StoreDown)?;
    Ok(ChannelsDoor {
        bucket: Bucket::new(app.limits.rates.messages),
        nonsense: Bucket::of_nonsense(&app.limits.session),
        session,
        app,
        name,
        seat,
    })
}

struct ChannelsDoor {
    app: Arc<App>,
    session: Arc<Session>,
    name: PersonName,
    seat: Seat,
    bucket: Bucket,
    nonsense: Bucket,
}

impl ChannelsDoor {
    async fn publish(&self, text: &str) {
        let text = Bytes::copy_from_slice(text.as_bytes());
        let as_sent = Some(AsSent { dialect: formats::CHANNELS, bytes: text.clone() });
        let draft = Draft { from: self.name.clone(), body: Body::Text(text), as_sent, id: None };
        let answer = |result: Result<_, hub::PublishError>| result.err().map(|error| refusal(&error.to_string()));
        let reply = Reply::To(Arc::clone(&self.session), Box::new(answer));
        self.app.hub.publish(self.seat.room(), draft, None, reply).await;
    }
}

impl Door for ChannelsDoor {
    async fn text(&mut self, text: Utf8) -> Result<(), Close> {
        if !self.bucket.take() {
            self.session.push(refusal("too many messages in a short time"));
            return Ok(());
        }
        match channels::parse(text.as_str(), self.app.limits.native.text_max_bytes) {
            Ok(message) => self.publish(&message).await,
            Err(error) => {
                self.session.push(refusal(&error.to_string()));
                if !self.nonsense.take() {
                    return Err(Close::new(CloseCode::POLICY, "too many messages that make no sense"));
                }
            }
        }
        Ok(())
    }

    async fn binary(&mut self, _: Bytes) -> Result<(), Close> {
        Err(Close::new(CloseCode::UNSUPPORTED_DATA, "this door takes text only"))
    }

    fn settle(&self) {
        self.seat.settle();
    }

    fn too_slow(&self) -> Close {
        Close::new(CloseCode::OVERLOADED, "too slow: what was missed is gone")
    }
}

/// What a sender alone is told of a message that nobody else sees.
fn refusal(why: &str) -> Bytes {
    let mut out = BytesMut::new();
    put_message(&mut out, &format!("error: {why}"));
    out.freeze()
}

fn put_message(out: &mut BytesMut, message: &str) {
    put_frame_with(out, Opcode::Text, |out| channels::put(out, message));
}

/// Writes messages for members of this door.
#[derive(Debug)]
pub(crate) struct ChannelsFormat {
    plain: PlainText,
}

impl ChannelsFormat {
    /// `base_path` stands before the paths of whole URLs.
    #[must_use]
    pub(crate) fn new(base_path: &str) -> Self {
        Self { plain: PlainText::new(Urls::Whole, base_path) }
    }
}

impl Encode for ChannelsFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        // Comings and goings are told at the native door only.
        let Happening::Message(message) = event.happening else { return };
        let draft = &message.draft;
        match (draft.as_sent_in(formats::CHANNELS), self.plain.text(&draft.body)) {
            (Some(_), Some(text)) => put_message(out, &text),
            _ => self.plain.line(draft).iter().for_each(|line| put_message(out, line)),
        }
    }
}
