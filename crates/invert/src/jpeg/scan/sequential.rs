//! Scans of a sequential picture: the magnitude bits of all coefficients are
//! flipped where they lie.
//!
//! A magnitude is the coefficient, or for a negative one its ones' complement
//! (T.81 F.1.2.1.1), so that other bits are the other sign; neither codes nor
//! lengths change. Mean values are coded as differences, and the difference of
//! negatives is the negative difference.

use std::ops::Range;

use super::buffers::Buffers;
use super::dc::{category, extend, magnitude};
use super::fast::{self, FastUnit, ROUND_BYTES, Way};
use super::groups::GroupCache;
use super::interval::{BlockTables, Fault, Interval, Position};
use super::restarts::{Piece, intervals};
use super::splice::{Change, overwrite, splice};
use super::stuffing;
use crate::jpeg::segments::ScanData;

/// A category that a table of mean values would need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jpeg) struct Missing {
    /// The component, by its place in the frame.
    pub(in crate::jpeg) component: usize,
    pub(in crate::jpeg) category: u8,
}

/// How an interval is walked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::jpeg) enum Pace {
    #[default]
    Fast,
    /// Symbol by symbol: what the fast walk is tested against.
    Reference,
}

/// Data that is walked from both of two places at once, at the least. Chosen:
/// several times what the second one needs to find into step; few where tests
/// and fuzzers shall come this way with small pictures.
const HALVES_MIN_BYTES: usize = if cfg!(debug_assertions) { 256 } else { 16 << 10 };

/// The last bytes before a place that has to be met exactly: what a lane may
/// pass and write behind its stop.
const APPROACH_BYTES: usize = ROUND_BYTES + 8;

/// Where the second place is guessed, before the middle. From the wrong bit or
/// the wrong block of the unit a walk falls into step after some hundred
/// codes.
const LEAD_BYTES: usize = HALVES_MIN_BYTES / 8;

/// A scan, ready to be inverted.
#[derive(Debug)]
pub(in crate::jpeg) struct SequentialScan<'a> {
    pub(in crate::jpeg) unit: &'a [BlockTables<'a>],
    /// How often the unit is repeated.
    pub(in crate::jpeg) units: usize,
    pub(in crate::jpeg) restart_interval: u16,
    /// For each component of the frame how much less than its negative the
    /// quantised mean value shall be.
    pub(in crate::jpeg) corrections: &'a [i32],
    pub(in crate::jpeg) pace: Pace,
}

impl SequentialScan<'_> {
    /// Appends the negative of `data` to `out`; returns what the tables lack.
    pub(in crate::jpeg) fn invert(
        &self,
        data: ScanData<'_>,
        cache: &GroupCache,
        buffers: &mut Buffers,
        out: &mut Vec<u8>,
    ) -> Result<Vec<Missing>, Fault> {
        let fast_unit = FastUnit::new(self.unit, cache);
        let mut missing = Vec::new();
        let mut pieces = intervals(data, self.units, self.restart_interval);
        while let Some(first) = pieces.next().transpose()? {
            let second = if self.pace == Pace::Fast { pieces.next() } else { None };
            if let Some(Ok(second)) = &second {
                self.invert_both([&first, second], &fast_unit, buffers, &mut missing, out)?;
            } else {
                self.invert_one(&first, &fast_unit, buffers, &mut missing, out)?;
                second.transpose()?;
            }
        }
        Ok(missing)
    }

    fn invert_one(
        &self,
        piece: &Piece<'_>,
        unit: &FastUnit<'_>,
        buffers: &mut Buffers,
        missing: &mut Vec<Missing>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        buffers.load(piece.data);
        let mut interval = buffers.interval();
        let end_bit = match self.pace {
            Pace::Fast => walk(&mut interval, unit, self.blocks(piece))?,
            Pace::Reference => walk_slowly(&mut interval, self.unit, self.blocks(piece))?,
        };
        let whole = 0..interval.data_bytes();
        self.write(buffers, whole, end_bit, missing, out)?;
        out.extend_from_slice(piece.behind);
        Ok(())
    }

    fn invert_both(
        &self,
        pieces: [&Piece<'_>; 2],
        unit: &FastUnit<'_>,
        buffers: &mut Buffers,
        missing: &mut Vec<Missing>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let places = buffers.load_two(pieces.map(|piece| piece.data));
        let blocks = pieces.map(|piece| self.blocks(piece));
        let ends = walk_both(&mut buffers.interval(), unit, &places, blocks);
        for ((piece, place), end_bit) in pieces.into_iter().zip(places).zip(ends) {
            self.write(buffers, place, end_bit?, missing, out)?;
            out.extend_from_slice(piece.behind);
        }
        Ok(())
    }

    fn blocks(&self, piece: &Piece<'_>) -> u64 {
        (piece.units.len() * self.unit.len()) as u64
    }

    /// Appends the interval at `place`, all of whose bits are flipped and whose
    /// last block ends at `end_bit`.
    fn write(
        &self,
        buffers: &mut Buffers,
        place: Range<usize>,
        end_bit: usize,
        missing: &mut Vec<Missing>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (mut interval, changes, spare) = buffers.parts();
        let interval = interval.part(place);
        first_differences(&interval, self.unit, self.corrections, changes, missing)?;
        let data_bytes = interval.data_bytes();
        if changes.iter().all(|change| change.old_bits == change.new_bits) {
            overwrite(interval.negative, changes);
            stuffing::add(&interval.negative[..data_bytes], out);
            return Ok(());
        }
        splice(interval.negative, end_bit, changes, spare);
        // Whole bytes without use stay, as decoders go past them.
        spare.extend_from_slice(&interval.negative[end_bit.div_ceil(8)..data_bytes]);
        stuffing::add(spare, out);
        Ok(())
    }
}

/// The first difference of each component is its mean value itself (T.81
/// F.1.1.5.1): it alone decides how much less all others are.
fn first_differences(
    interval: &Interval<'_>,
    unit: &[BlockTables<'_>],
    corrections: &[i32],
    changes: &mut Vec<Change>,
    missing: &mut Vec<Missing>,
) -> Result<(), Fault> {
    changes.clear();
    let mut position = Position::default();
    for (index, tables) in unit.iter().enumerate() {
        let correction = corrections[tables.component];
        let is_first = unit[..index].iter().all(|earlier| earlier.component != tables.component);
        if is_first && correction != 0 {
            let window = interval.checked_window(position.bit)?;
            let symbol = tables.dc.decode(window).filter(|symbol| symbol.value < 16).ok_or(Fault::Code)?;
            let size = u32::from(symbol.value);
            let bits = (window << symbol.code_bits >> 32 >> (32 - size)) as u32;
            let difference = -extend(bits, size) - correction;
            let category = category(difference);
            match tables.dc.encode_category(category) {
                Some(code) => changes.push(Change {
                    bit: position.bit,
                    old_bits: symbol.code_bits + size,
                    new: code.code << category | magnitude(difference),
                    new_bits: code.bits + category,
                }),
                None => missing.push(Missing { component: tables.component, category: category as u8 }),
            }
        }
        let is_corrected = |later: &BlockTables<'_>| corrections[later.component] != 0;
        let is_further = |later: &BlockTables<'_>| later.component != tables.component && is_corrected(later);
        if !unit[index + 1..].iter().any(is_further) {
            break;
        }
        interval.skip_block(&mut position, unit)?;
    }
    Ok(())
}

/// The reference walk; returns where the last block ends.
fn walk_slowly(interval: &mut Interval<'_>, unit: &[BlockTables<'_>], blocks: u64) -> Result<usize, Fault> {
    let mut position = Position::default();
    interval.walk(&mut position, blocks, unit)?;
    Ok(position.bit)
}

/// The fast walk; returns where the last block ends.
fn walk(interval: &mut Interval<'_>, unit: &FastUnit<'_>, blocks: u64) -> Result<usize, Fault> {
    let mut position = Position::default();
    let data_bytes = interval.data_bytes();
    let walked = if data_bytes >= HALVES_MIN_BYTES {
        walk_halves(interval, unit, &mut position, blocks)
    } else {
        fast::walk_one(interval, unit, Way { position: &mut position, stop_byte: data_bytes, blocks })
    };
    finish(interval, unit, position, walked, blocks)
}

/// Walks to the end from where the fast walk came to; returns where the last
/// block ends.
fn finish(
    interval: &mut Interval<'_>,
    unit: &FastUnit<'_>,
    mut position: Position,
    walked: Result<(), Fault>,
    blocks: u64,
) -> Result<usize, Fault> {
    let is_past_end = (position.blocks_done, position.coefficient) > (blocks, 0);
    if walked.is_err() || is_past_end {
        // There may be more data than blocks, of any kind: only the careful walk ends where they do.
        interval.restore(0);
        return walk_slowly(interval, unit.tables(), blocks);
    }
    interval.walk(&mut position, blocks, unit.tables())?;
    Ok(position.bit)
}

/// The fast walk through two intervals at once; returns where their last
/// blocks end, from the beginning of each.
fn walk_both(
    interval: &mut Interval<'_>,
    unit: &FastUnit<'_>,
    places: &[Range<usize>; 2],
    blocks: [u64; 2],
) -> [Result<usize, Fault>; 2] {
    let mut positions = places.each_ref().map(|place| Position { bit: 8 * place.start, ..Position::default() });
    let [first, second] = &mut positions;
    let ways = [
        Way { position: first, stop_byte: places[0].end, blocks: blocks[0] },
        Way { position: second, stop_byte: places[1].end, blocks: blocks[1] },
    ];
    let walked = fast::walk_two(interval, unit, ways);
    let mut end = |index: usize, walked| {
        let place = places[index].clone();
        let position = Position { bit: positions[index].bit - 8 * place.start, ..positions[index] };
        finish(&mut interval.part(place), unit, position, walked, blocks[index])
    };
    [end(0, walked.0), end(1, walked.1)]
}

/// Walks from the beginning and from the middle at once. Where the second half
/// begins is a guess, which holds if the first half ends there: from the same
/// bit and block every walk goes the same way.
fn walk_halves(
    interval: &mut Interval<'_>,
    unit: &FastUnit<'_>,
    position: &mut Position,
    blocks: u64,
) -> Result<(), Fault> {
    let data_bytes = interval.data_bytes();
    let middle = data_bytes / 2;
    let Some(guess) = guess(interval, unit, middle) else {
        return fast::walk_one(interval, unit, Way { position, stop_byte: data_bytes, blocks });
    };
    let mut second = Position { blocks_done: 0, ..guess };
    // How many blocks the second half has is not known before the first one ends.
    let ways = [
        Way { position, stop_byte: middle - APPROACH_BYTES, blocks },
        Way { position: &mut second, stop_byte: data_bytes - APPROACH_BYTES, blocks: u64::MAX },
    ];
    let (first_end, second_end) = fast::walk_two(interval, unit, ways);
    first_end?;
    let (near_middle, shared_byte) = (*position, interval.negative[position.bit / 8]);
    interval.walk_past(position, 8 * middle, unit.tables())?;
    if second_end.is_ok() && (position.bit, position.block) == (guess.bit, guess.block) {
        *position = Position { blocks_done: position.blocks_done + second.blocks_done, ..second };
        return Ok(());
    }
    *position = near_middle;
    interval.restore(near_middle.bit / 8);
    interval.negative[near_middle.bit / 8] = shared_byte;
    fast::walk_one(interval, unit, Way { position, stop_byte: data_bytes, blocks })
}

/// The first end of a block behind `middle`, found from a wrong beginning
/// before it.
fn guess(interval: &mut Interval<'_>, unit: &FastUnit<'_>, middle: usize) -> Option<Position> {
    /// A walk from a wrong beginning may run into bits that are no code.
    const TRIES: usize = 32;
    let lead = middle - LEAD_BYTES;
    let mut position = Position { bit: 8 * lead, ..Position::default() };
    let found = (0..TRIES).find_map(|_| {
        let mut from = position;
        let way = Way { position: &mut from, stop_byte: middle - APPROACH_BYTES, blocks: u64::MAX };
        let walked =
            fast::walk_one(interval, unit, way).and_then(|()| interval.walk_past(&mut from, 8 * middle, unit.tables()));
        position.bit += 61;
        walked.is_ok().then_some(from)
    });
    interval.restore(lead);
    found
}
