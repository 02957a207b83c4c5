//! The TCP room: line chat over plain TCP without framing, where a client
//! takes what it receives at once for one message.

mod format;
mod input;
mod output;

use std::pin::pin;
use std::sync::Arc;

use hub::{Join, Leave, PersonName, Since};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::app::App;
use crate::metrics::Speaks;
use crate::pipe::{Pipe, PipeReader, pipe};
use crate::sink::{Seat, Session, Sink};
use crate::tcp::{Visitor, next_visitor};
use input::Speaker;

pub(crate) use format::LineFormat;

/// Lets people in until the program is to stop.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            visitor = next_visitor(&listener, &app, Speaks::TcpRoom) => {
                let app_of_talk = Arc::clone(&app);
                app.sessions.spawn(async move { attend(&app_of_talk, visitor).await });
            }
        }
    }
}

async fn attend(app: &Arc<App>, visitor: Visitor) {
    // The session writes into a pipe, not to the socket, since each chunk has to leave by itself.
    let (pipe, reader) = pipe(app.limits.tcp.room.pipe_max_bytes);
    let pipe = Arc::new(pipe);
    let session = Session::new(Sink::Pipe(Arc::clone(&pipe)), Arc::clone(app.hub.limits()));
    if let Some(seat) = enter(app, &visitor, &session).await {
        let member = Member { visitor: &visitor, session: &session, seat, pipe };
        talk(app, member, reader).await;
    }
    session.abandon();
    visitor.see_off(app).await;
}

async fn enter(app: &App, visitor: &Visitor, session: &Arc<Session>) -> Option<Seat> {
    let room = match app.room(&app.config.tcp_room_name, visitor.address).await {
        Ok(room) => room,
        Err(error) => {
            tracing::debug!(%error, "the TCP room let nobody in");
            return None;
        }
    };
    // A member's name comes with what it says.
    let join = Join { name: PersonName::guest(), format: app.formats.tcp_room, since: Since::Live, history: 0 };
    app.hub.join(&room, session, join, |_| None).await.ok()
}

/// Why a talk is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The member says nothing more; it may still listen.
    Silent,
    /// The member does not listen any more.
    Deaf,
}

/// Somebody who has come in.
struct Member<'a> {
    visitor: &'a Visitor,
    session: &'a Arc<Session>,
    seat: Seat,
    pipe: Arc<Pipe>,
}

async fn talk(app: &App, member: Member<'_>, reader: PipeReader) {
    let Member { visitor, session, seat, pipe } = member;
    let speaker = Speaker::new(app, session, &seat);
    let mut writing = pin!(output::write(visitor, reader, &app.limits.tcp.room));
    let end = tokio::select! {
        () = &mut writing => End::Deaf,
        () = speaker.listen_to(visitor) => End::Silent,
        () = app.stop.cancelled() => End::Silent,
        reason = session.ended() => match reason {
            Leave::Gone | Leave::Silent | Leave::TooSlow => End::Deaf,
            Leave::StoreDown | Leave::Restart => End::Silent,
        },
    };
    if end == End::Silent {
        // What was said is stored, and who still listens hears all of it.
        let last = async {
            app.hub.settle().await;
            seat.settle();
            session.has_caught_up().await;
            pipe.end();
        };
        timeout(app.limits.tcp.linger_at_stop_max, async { tokio::join!(last, writing) }).await.ok();
    }
}
