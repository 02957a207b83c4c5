//! Server-sent events `/rooms/<room>/events`: the room to read along, for
//! pages and scripts that do not speak.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderName, header};
use hub::{Encode, Epoch, Event, Happening, Join, Leave, Offset, PersonName, Position, RoomName, Since};
use tokio::time::{Instant, interval_at, timeout};
use wire::native::Message;

use super::params;
use crate::app::App;
use crate::error::ApiError;
use crate::metrics::Speaks;
use crate::native_message::word;
use crate::peer::Client;
use crate::pipe::{Pipe, pipe};
use crate::query::Query;
use crate::sink::{Room, Seat, Session, Sink};

/// A comment, which a client passes over.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// Where the client stood when it was cut off.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `GET /rooms/<room>/events[?name=N][&since=OFFSET&epoch=E]`.
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    client: Client,
    Path(room): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref());
    let name = params::name(&query)?;
    let since = last_event_id(&headers).map_or_else(|| params::since(&query), Ok)?;
    let room = app.room(&RoomName::parse(&room)?, client.address).await?;
    let (out, reader) = pipe(app.limits.session.pipe_max_bytes);
    let out = Arc::new(out);
    let session = Session::new(Sink::Pipe(Arc::clone(&out)), Arc::clone(app.hub.limits()));
    let seat = take_seat(&app, &room, &session, name, since).await?;
    app.sessions.spawn(follow(Arc::clone(&app), session, seat, out));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx passes on what comes as it comes.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let written = stream::unfold(reader, async |mut reader| {
        let taken = reader.take().await?;
        Some((Ok::<_, Infallible>(taken), reader))
    });
    Ok((headers, Body::from_stream(written)).into_response())
}

/// The position in `Last-Event-ID`, if there is one; one that we did not give
/// is a position all the same, and the answer is that it does not hold.
fn last_event_id(headers: &HeaderMap) -> Option<Since> {
    let id = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty())?;
    let position = id.to_str().ok().and_then(|id| id.split_once(':')).and_then(|(epoch, offset)| {
        Some(Position { epoch: epoch.parse().ok()?, offset: Offset(offset.parse().ok()?) })
    });
    Some(position.map_or(Since::Unknown, Since::After))
}

async fn take_seat(
    app: &App,
    room: &Arc<Room>,
    session: &Arc<Session>,
    name: PersonName,
    since: Since,
) -> Result<Seat, ApiError> {
    let history = app.limits.session.history_messages;
    let join = Join { name: name.clone(), format: app.formats.sse, since, history };
    let seat = app.hub.join(room, session, join, |welcome| {
        let message = Message::Welcome {
            room: room.name().as_str(),
            name: name.as_str(),
            session: None,
            epoch: &welcome.epoch.to_string(),
            offset: welcome.offset.0,
            head: welcome.head.0,
            members: welcome.members,
            durability: app.hub.store().durability(room.name()).name(),
            recovered: welcome.recovered,
        };
        let mut out = BytesMut::new();
        put_event(&mut out, welcome.epoch, welcome.offset, &message);
        Some(out.freeze())
    });
    Ok(seat.await?)
}

/// Keeps the member seated for as long as its request is read.
async fn follow(app: Arc<App>, session: Arc<Session>, seat: Seat, out: Arc<Pipe>) {
    let _open = app.metrics.connected(Speaks::Sse);
    let limits = &app.limits.session;
    let mut heartbeat = interval_at(Instant::now() + limits.ping_interval, limits.ping_interval);
    let reason = loop {
        tokio::select! {
            reason = session.ended() => break reason,
            () = app.stop.cancelled() => break Leave::Restart,
            () = out.reader_gone() => break Leave::Gone,
            _ = heartbeat.tick() => session.probe(HEARTBEAT),
        }
    };
    if reason == Leave::Restart {
        // What was accepted is stored, and a peer that reads is told of it before the end.
        timeout(limits.linger_max, app.hub.settle()).await.ok();
        seat.settle();
        timeout(limits.linger_max, session.has_caught_up()).await.ok();
    }
    drop(seat);
    // The end of the stream is all that this protocol can say; the client comes back with its position.
    out.end();
    session.abandon();
}

/// Writes messages for members of this door.
#[derive(Debug)]
pub(crate) struct SseFormat {
    base_path: String,
}

impl SseFormat {
    /// `base_path` stands before the paths of shared pictures.
    #[must_use]
    pub(crate) fn new(base_path: &str) -> Self {
        Self { base_path: base_path.to_owned() }
    }
}

impl Encode for SseFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        // Comings and goings are told at the native door only.
        let Happening::Message(message) = event.happening else { return };
        word(&self.base_path, event.room, message, |worded| put_event(out, event.epoch, message.offset, worded));
    }
}

/// Appends an event (HTML Living Standard §9.2.5) whose id is the position
/// after it.
fn put_event(out: &mut BytesMut, epoch: Epoch, offset: Offset, message: &Message<'_>) {
    writeln!(out, "id: {epoch}:{offset}").expect("memory can be written to");
    let mut json = BytesMut::new();
    message.put(&mut json);
    // Between the values of a client's own JSON there may be line breaks.
    for line in json.as_ref().split(|byte: &u8| matches!(byte, b'\n' | b'\r')) {
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
    }
    out.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_position_and_no_line_of_it_is_lost() {
        let epoch = Epoch { life: 0xabc, generation: 0 };
        let data = b"{\n\"a\":\r\n1}";
        let message = Message::Data { room: "r", offset: 7, time: "t", from: "ada", data, id: None };
        let mut out = BytesMut::new();
        put_event(&mut out, epoch, Offset(7), &message);
        let head = r#"data: {"type":"data","room":"r","offset":7,"time":"t","from":"ada","data":{"#;
        let expected = format!("id: 0000000000000abc:7\n{head}\ndata: \"a\":\ndata: \ndata: 1}}}}\n\n");
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    }

    #[test]
    fn a_last_event_id_is_a_position_or_unknown() {
        let check = |id: &'static str, expected| {
            let headers = HeaderMap::from_iter([(LAST_EVENT_ID, http::HeaderValue::from_static(id))]);
            assert_eq!(last_event_id(&headers), expected, "{id:?}");
        };
        let position = Position { epoch: Epoch { life: 0xabc, generation: 2 }, offset: Offset(7) };
        check("0000000000000abc.2:7", Some(Since::After(position)));
        check("nonsense", Some(Since::Unknown));
        check("0000000000000abc:-1", Some(Since::Unknown));
        check("", None);
        assert_eq!(last_event_id(&HeaderMap::new()), None);
    }
}
