//! The htmx door `/ws/htmx`, for pages of htmx 2 (ws extension) and htmx 4
//! (hx-ws), and a page of our own.

mod elements;
mod page;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use hub::{
    Body, Draft, Encode, Event, Happening, Join, Leave, NameError, PersonName, Position, PublishError, Reading, Reply,
    RoomName, Since, StoreError,
};
use wire::htmx::{self, FormError};
use wire::websocket::{CloseCode, Utf8};

use super::params;
use super::upgrade::upgrade;
use crate::app::App;
use crate::error::ApiError;
use crate::input::MessageBounds;
use crate::metrics::Speaks;
use crate::peer::Client;
use crate::plain_text::{PlainText, Urls};
use crate::query::Query;
use crate::rate::Bucket;
use crate::session::{Close, Door};
use crate::sink::{Room, Seat, Session};
use elements::{Appended, Errors, History, Line, frame, put};

pub(crate) use page::{field, show as show_page};

/// Who comes in.
struct Entrance {
    room: Arc<Room>,
    name: PersonName,
    /// Whether it is our own page, whose field is emptied when a message is
    /// sent.
    is_our_page: bool,
}

/// `GET /ws/htmx[?room=R&name=N]`.
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
        room: app.room(&room, client.address).await?,
        is_our_page: query.get("page").is_some(),
    };
    let max = app.limits.session.text_frame_max_bytes;
    let bounds = MessageBounds::up_to(max);
    Ok(upgrade(&app, Speaks::Htmx, &mut request, bounds, move |app, session| enter(app, session, entrance)))
}

async fn enter(app: Arc<App>, session: Arc<Session>, entrance: Entrance) -> Result<HtmxDoor, Leave> {
    let seat = take_seat(&app, &session, &entrance).await.map_err(|error| {
        tracing::warn!(room = %entrance.room.name(), %error, "somebody could not join");
        Leave::StoreDown
    })?;
    Ok(HtmxDoor {
        bucket: Bucket::new(app.limits.rates.messages),
        nonsense: Bucket::of_nonsense(&app.limits.session),
        app,
        answers: Arc::new(Answers { is_our_page: entrance.is_our_page, shows_error: AtomicBool::new(false) }),
        session,
        name: entrance.name,
        seat,
    })
}

/// A page that comes back shows what it showed before: the newest messages
/// take its place in one element, and the stream goes on after them.
async fn take_seat(app: &App, session: &Arc<Session>, entrance: &Entrance) -> Result<Seat, StoreError> {
    let room = &entrance.room;
    let history = app.limits.session.history_messages;
    let count = usize::try_from(history).unwrap_or(usize::MAX);
    let Reading { epoch, head, messages, .. } = app.hub.read(room, Since::Latest, count).await?;
    let offset = messages.last().map_or(head, |last| last.offset);
    let plain = PlainText::new(Urls::Relative, &app.config.base_path);
    let lines = messages.iter().filter_map(|message| Line::new(&message.draft, &plain)).collect();
    let shown = frame(&History { lines });
    let since = Since::After(Position { offset, epoch });
    let join = Join { name: entrance.name.clone(), format: app.formats.htmx, since, history };
    let begin = |welcome: &hub::Welcome| {
        // Where retention was faster, the hub gives the newest messages itself.
        let is_whole = welcome.recovered == Some(true);
        Some(if is_whole { shown } else { frame(&History { lines: Vec::new() }) })
    };
    app.hub.join(room, session, join, begin).await
}

struct HtmxDoor {
    app: Arc<App>,
    session: Arc<Session>,
    name: PersonName,
    seat: Seat,
    bucket: Bucket,
    nonsense: Bucket,
    answers: Arc<Answers>,
}

/// Why a form was not accepted.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Form(#[from] FormError),
    #[error(transparent)]
    Name(#[from] NameError),
}

/// What a page is told of what it sent.
#[derive(Debug)]
struct Answers {
    is_our_page: bool,
    shows_error: AtomicBool,
}

impl Answers {
    fn refusal(&self, why: &str, text: Option<&str>) -> Bytes {
        self.shows_error.store(true, Ordering::Relaxed);
        frame(&Errors { why: Some(why), refused: text.filter(|_| self.is_our_page) })
    }

    fn stored(&self) -> Option<Bytes> {
        let shows_error = self.shows_error.swap(false, Ordering::Relaxed);
        shows_error.then(|| frame(&Errors { why: None, refused: None }))
    }
}

impl HtmxDoor {
    /// Who says what.
    fn read(&self, text: &str) -> Result<(PersonName, String), Refusal> {
        let form = htmx::parse(text, self.app.limits.native.text_max_bytes)?;
        let name = form.name.as_deref().map(PersonName::parse).transpose()?;
        Ok((name.unwrap_or_else(|| self.name.clone()), form.message))
    }

    fn refuse(&self, form: &str, why: &str) {
        let refused = htmx::parse(form, usize::MAX).ok();
        self.session.push(self.answers.refusal(why, refused.as_ref().map(|form| &*form.message)));
    }

    async fn publish(&self, from: PersonName, message: String) {
        let (answers, text) = (Arc::clone(&self.answers), Bytes::from(message));
        let draft = Draft { from, body: Body::Text(text.clone()), as_sent: None, id: None };
        let answer = move |result: Result<_, PublishError>| match result {
            Ok(_) => answers.stored(),
            Err(error) => Some(answers.refusal(&error.to_string(), std::str::from_utf8(&text).ok())),
        };
        let reply = Reply::To(Arc::clone(&self.session), Box::new(answer));
        self.app.hub.publish(self.seat.room(), draft, None, reply).await;
    }
}

impl Door for HtmxDoor {
    async fn text(&mut self, text: Utf8) -> Result<(), Close> {
        if !self.bucket.take() {
            self.refuse(text.as_str(), "too many messages in a short time");
            return Ok(());
        }
        match self.read(text.as_str()) {
            Ok((from, message)) => self.publish(from, message).await,
            Err(error) => {
                self.refuse(text.as_str(), &error.to_string());
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
        Close::new(CloseCode::OVERLOADED, "too slow: come back for the newest messages")
    }
}

/// Writes messages for members of this door.
#[derive(Debug)]
pub(crate) struct HtmxFormat {
    plain: PlainText,
}

impl HtmxFormat {
    /// `base_path` stands before the paths of pictures.
    #[must_use]
    pub(crate) fn new(base_path: &str) -> Self {
        Self { plain: PlainText::new(Urls::Relative, base_path) }
    }
}

impl Encode for HtmxFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        // Comings and goings are told at the native door only.
        let Happening::Message(message) = event.happening else { return };
        if let Some(line) = Line::new(&message.draft, &self.plain) {
            put(&Appended { line }, out);
        }
    }
}
