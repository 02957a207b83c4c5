//! The talk of a pair, from the introduction to the end.

use tokio::time::{Instant, sleep_until, timeout};

use super::Named;
use super::partner::{Nick, Partner};
use crate::app::App;
use crate::rate::Bucket;

/// Who begins and who does not, as they are told.
const ORDERS: [&[u8]; 2] = [b"1", b"2"];

/// Why a talk is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// That one is gone, or does not read.
    Left(usize),
    /// Nobody has said anything for long.
    Idle,
    /// The program stops.
    Stop,
}

/// Talks until it is over.
pub(super) async fn talk(app: &App, pair: [Named; 2]) {
    let [first, second] = pair;
    let nicks = [first.nick, second.nick];
    let mut partners = [first.partner, second.partner];
    let end = tokio::select! {
        end = converse(app, &nicks, &mut partners) => end,
        () = app.stop.cancelled() => End::Stop,
    };
    if let End::Left(gone) = end {
        let other = &mut partners[1 - gone];
        other.keep_apart();
        // It may have left, too.
        other.send(&[nicks[gone].as_bytes(), b" has left"].concat()).await.ok();
    }
    let [first, second] = partners;
    tokio::join!(first.end(), second.end());
}

async fn converse(app: &App, nicks: &[Nick; 2], partners: &mut [Partner; 2]) -> End {
    if let Err(end) = introduce(app, nicks, partners).await {
        return end;
    }
    let mut buckets = [(); 2].map(|()| Bucket::new(app.limits.rates.messages));
    let mut speaks = 0;
    loop {
        match timeout(app.limits.tcp.pair.idle_max, turn(partners, speaks, &mut buckets[speaks])).await {
            Ok(Ok(())) => speaks = 1 - speaks,
            Ok(Err(end)) => return end,
            Err(_) => return End::Idle,
        }
    }
}

/// Tells each the other's nick, and who begins.
async fn introduce(app: &App, nicks: &[Nick; 2], partners: &mut [Partner; 2]) -> Result<(), End> {
    for (index, partner) in partners.iter_mut().enumerate() {
        partner.send(nicks[1 - index].as_bytes()).await.map_err(|_| End::Left(index))?;
        // Clients receive nick and order one after the other, perhaps long after both have come. The mark keeps them
        // apart on a direct connection; programs that relay connections do not pass it on, there it is the gap.
        partner.mark();
        partner.keep_apart();
    }
    let [first, second] = partners;
    tokio::select! {
        () = sleep_until(Instant::now() + app.config.tcp_pair_gap) => {}
        () = first.leaves() => return Err(End::Left(0)),
        () = second.leaves() => return Err(End::Left(1)),
    }
    for (index, partner) in partners.iter_mut().enumerate() {
        partner.send(ORDERS[index]).await.map_err(|_| End::Left(index))?;
        // A second mark would make data of the first one where that was not reached yet.
        partner.keep_apart();
    }
    Ok(())
}

/// One message from the one whose turn it is to the other.
async fn turn([first, second]: &mut [Partner; 2], speaks: usize, bucket: &mut Bucket) -> Result<(), End> {
    let (speaker, listener) = if speaks == 0 { (first, second) } else { (second, first) };
    bucket.filled().await;
    let message = tokio::select! {
        message = speaker.field() => message.map_err(|_| End::Left(speaks))?,
        () = listener.leaves() => return Err(End::Left(1 - speaks)),
    };
    bucket.charge();
    listener.send(&message).await.map_err(|_| End::Left(1 - speaks))
}
