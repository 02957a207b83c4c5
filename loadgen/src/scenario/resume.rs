//! Clients that come back: with their position, so that nothing is missed, and with their key, so that
//! what they say again is stored once.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::seat::Seat;
use super::stage::Stage;
use super::{open_at, path};
use crate::client::connection::OwnedMessage;
use crate::client::gate::Gate;
use crate::client::line::Line;
use crate::client::native::Ticket;
use crate::client::{Incoming, decode};

/// Between two tries. Chosen: a server that is started again is there soon.
const RETRY: Duration = Duration::from_millis(100);
/// One try takes no longer.
const TRY_MAX: Duration = Duration::from_secs(1);

/// Reads for a client until all is over, through all its connections.
pub(super) async fn attend(seat: Arc<Seat>, stage: Arc<Stage>, gate: Arc<Gate>) {
    loop {
        std::future::poll_fn(|cx| seat.poll(cx)).await;
        let Some(ticket) = seat.ticket_back() else { return };
        match come_back(&stage, &gate, seat.number, &ticket).await {
            Some((connection, early)) => seat.sit_again(connection, early),
            None => return seat.stay_away(),
        }
    }
}

/// Tries for as long as a connection may take; `None` when that was in vain, or all is over.
async fn come_back(stage: &Stage, gate: &Gate, client: u32, ticket: &Ticket) -> Option<(Line, VecDeque<OwnedMessage>)> {
    let end = Instant::now() + stage.plan.connect_timeout;
    let path = ticket.put_on(&path(&stage.plan, client));
    while !stage.is_over() && Instant::now() < end {
        if let Ok(Some(back)) = timeout(TRY_MAX, enter(stage, gate, client, &path)).await {
            return Some(back);
        }
        // The server is gone: it is not asked again at once.
        sleep(RETRY).await;
    }
    None
}

/// One try: until the welcome. What was missed follows it, and is heard as ever.
async fn enter(stage: &Stage, gate: &Gate, client: u32, path: &str) -> Option<(Line, VecDeque<OwnedMessage>)> {
    let mut connection = Line::WebSocket(open_at(&stage.plan, gate, client, path).await.ok()?);
    let mut early = VecDeque::new();
    loop {
        let message = connection.next(&mut early).await.ok()?;
        if let Incoming::Welcome(_) = decode(stage.talk.protocol, message.as_message()) {
            return Some((connection, early));
        }
    }
}

/// Has one client after another drop its connection, so many a second.
pub(super) async fn churn(seats: &[Arc<Seat>], per_second: f64) -> Infallible {
    let begin = Instant::now();
    let mut turn = 0_u32;
    loop {
        turn = turn.wrapping_add(1);
        sleep_until(begin + Duration::from_secs_f64(f64::from(turn) / per_second)).await;
        seats[turn as usize % seats.len()].drop_out();
    }
}
