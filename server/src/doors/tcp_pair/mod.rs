//! TCP pairs: talks of two over plain TCP, in turns, without framing.
//!
//! A client sends its nick; when two have come, each is told the other's nick
//! and then `1` or `2`: who came first is 1 and begins. From then on a message
//! of the one goes to the other, then the other way. Pairs are private: no
//! room, no history, no other door.

mod partner;
mod talk;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::net::TcpListener;
use tokio::time::{Instant, timeout, timeout_at};

use crate::app::App;
use crate::metrics::Speaks;
use crate::tcp::{Left, Visitor, next_visitor};
use partner::{Nick, Partner};

/// A partner who has said a nick.
#[derive(Debug)]
struct Named {
    /// Counts those who came.
    place: u64,
    nick: Nick,
    partner: Partner,
    /// When it is sent away if nobody has come by then.
    until: Instant,
}

/// Somebody who has not; ends with nothing when there will be no nick.
type Naming = Pin<Box<dyn Future<Output = Option<Named>> + Send>>;

/// Lets people in and pairs them until the program is to stop.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>) {
    // One task has all that are not paired, in the order in which they came: so two who come one after the other are
    // not overtaken by a third between their nicks.
    let mut newcomers: Vec<Naming> = Vec::new();
    let mut waiting: Option<Named> = None;
    let mut places = 0..;
    let newcomers_max = app.limits.tcp.pair.newcomers_max;
    loop {
        tokio::select! {
            () = app.stop.cancelled() => break,
            () = leaves(&mut waiting) => waiting = None,
            named = first_named(&mut newcomers) => {
                if let Some(pair) = pair_up(&mut waiting, named) {
                    let app_of_talk = Arc::clone(&app);
                    app.sessions.spawn(async move { talk::talk(&app_of_talk, pair).await });
                }
            }
            visitor = next_visitor(&listener, &app, Speaks::TcpPair), if newcomers.len() < newcomers_max => {
                let place = places.next().expect("nobody counts so far");
                newcomers.push(Box::pin(name(Arc::clone(&app), place, visitor)));
            }
        }
    }
    for newcomer in newcomers {
        app.sessions.spawn(newcomer);
    }
    if let Some(Named { partner, .. }) = waiting {
        app.sessions.spawn(partner.end());
    }
}

async fn name(app: Arc<App>, place: u64, visitor: Visitor) -> Option<Named> {
    let limits = &app.limits.tcp.pair;
    let mut partner = Partner::new(Arc::clone(&app), visitor);
    let field = tokio::select! {
        field = timeout(limits.nick_wait_max, partner.field()) => field.ok(),
        () = app.stop.cancelled() => None,
    };
    let nick = match field {
        Some(Ok(field)) => Nick::new(&field),
        Some(Err(Left)) => return None,
        None => None,
    };
    let Some(nick) = nick else {
        app.sessions.spawn(partner.end());
        return None;
    };
    Some(Named { place, nick, partner, until: Instant::now() + limits.idle_max })
}

/// Waits for the first one, by the order of coming, whose nick is there.
async fn first_named(newcomers: &mut Vec<Naming>) -> Named {
    poll_fn(|context| {
        let mut place = 0;
        while let Some(newcomer) = newcomers.get_mut(place) {
            match newcomer.as_mut().poll(context) {
                Poll::Pending => place += 1,
                Poll::Ready(named) => {
                    drop(newcomers.remove(place));
                    if let Some(named) = named {
                        return Poll::Ready(named);
                    }
                }
            }
        }
        Poll::Pending
    })
    .await
}

/// Waits until the one who waits has left, or waited too long.
async fn leaves(waiting: &mut Option<Named>) {
    match waiting {
        Some(Named { partner, until, .. }) => drop(timeout_at(*until, partner.leaves()).await),
        None => std::future::pending().await,
    }
}

/// The new one with the one who waits, who came first in front; else the new
/// one waits.
fn pair_up(waiting: &mut Option<Named>, named: Named) -> Option<[Named; 2]> {
    if !named.partner.is_there() {
        return None;
    }
    // It may have left without our having been told.
    match waiting.take().filter(|waiting| waiting.partner.is_there()) {
        Some(other) if other.place < named.place => Some([other, named]),
        Some(other) => Some([named, other]),
        None => {
            *waiting = Some(named);
            None
        }
    }
}
