//! The fast walk: several symbols with each lookup, and two places of the data
//! at once, so that the processor has something to do while one of them waits
//! for its table. The one module of the crate with `unsafe` in it.

mod lane;

use std::marker::PhantomData;

use self::lane::{Bytes, Lane, Stop};
use super::groups::{Group, GroupCache};
use super::interval::{BlockTables, Fault, Interval, Position};
use super::select::{NthOne, Portable, Task};

pub(super) use self::lane::ROUND_BYTES;

/// The unit of a scan, ready to be walked: a ring of blocks.
#[derive(Debug)]
pub(super) struct FastUnit<'a> {
    blocks: Vec<Block>,
    tables: &'a [BlockTables<'a>],
    /// What the blocks point into.
    cache: PhantomData<&'a GroupCache>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    beginning: *const Group,
    within: *const Group,
    next_beginning: *const Group,
    next: *const Block,
    index: usize,
}

impl<'a> FastUnit<'a> {
    pub(super) fn new(tables: &'a [BlockTables<'a>], cache: &'a GroupCache) -> Self {
        let pointer = |handle| cache.groups(handle).as_ptr();
        let block = |index: usize| Block {
            beginning: pointer(tables[index].beginning),
            within: pointer(tables[index].within),
            next_beginning: pointer(tables[(index + 1) % tables.len()].beginning),
            next: std::ptr::null(),
            index,
        };
        let mut blocks: Vec<_> = (0..tables.len()).map(block).collect();
        let first = blocks.as_ptr();
        for (index, block) in blocks.iter_mut().enumerate() {
            block.next = first.wrapping_add((index + 1) % tables.len());
        }
        Self { blocks, tables, cache: PhantomData }
    }

    pub(super) fn tables(&self) -> &'a [BlockTables<'a>] {
        self.tables
    }
}

/// Proof that the processor has BMI2.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
struct Bmi2(());

#[cfg(target_arch = "x86_64")]
impl NthOne for Bmi2 {
    #[inline(always)]
    fn nth_one(self, ones: u64, n: u32) -> u64 {
        // SAFETY: this value is only made where the processor has it.
        unsafe { std::arch::x86_64::_pdep_u64(1 << n, ones) }
    }
}

/// Runs a task in the best way that this processor has.
pub(super) fn run<T: Task>(task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("popcnt")
    {
        #[target_feature(enable = "bmi1,bmi2,popcnt")]
        fn run_bmi2<T: Task>(task: T) -> T::Output {
            task.run(Bmi2(()))
        }
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { run_bmi2(task) };
    }
    task.run(Portable)
}

/// A place to walk from, and when to stop.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) position: &'a mut Position,
    /// It stops at this byte or up to [`ROUND_BYTES`] behind it.
    pub(super) stop_byte: usize,
    /// It stops when this many blocks are done.
    pub(super) blocks: u64,
}

/// Where two lanes have come to.
pub(super) type Ends = (Result<(), Fault>, Result<(), Fault>);

/// Walks one way.
pub(super) fn walk_one(interval: &mut Interval<'_>, unit: &FastUnit<'_>, way: Way<'_>) -> Result<(), Fault> {
    let nowhere = Way { position: &mut Position::default(), stop_byte: 0, blocks: 0 };
    walk_two(interval, unit, [way, nowhere]).0
}

/// Walks two ways at once. A lane that begins where it should stop does
/// nothing.
pub(super) fn walk_two(interval: &mut Interval<'_>, unit: &FastUnit<'_>, ways: [Way<'_>; 2]) -> Ends {
    assert_eq!(interval.original.len(), interval.negative.len());
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("bmi1") && std::arch::is_x86_feature_detected!("bmi2") {
        #[target_feature(enable = "bmi1,bmi2")]
        fn walk_two_bmi2(interval: &mut Interval<'_>, unit: &FastUnit<'_>, ways: [Way<'_>; 2]) -> Ends {
            walk_two_anywhere(interval, unit, ways)
        }
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { walk_two_bmi2(interval, unit, ways) };
    }
    walk_two_anywhere(interval, unit, ways)
}

#[inline(always)]
fn walk_two_anywhere(interval: &mut Interval<'_>, unit: &FastUnit<'_>, ways: [Way<'_>; 2]) -> Ends {
    let bytes = Bytes { original: interval.original.as_ptr(), negative: interval.negative.as_mut_ptr() };
    let data_bytes = interval.data_bytes();
    let [first, second] = ways;
    let (first_stop, second_stop) = (Stop::of(&first, data_bytes), Stop::of(&second, data_bytes));
    // A lane without a way stands at the beginning and never moves.
    let origin = Position::default();
    // SAFETY: a lane begins before its stop and is only moved while it is before it, which is not behind the end of the
    // data: so each read and write of eight bytes ends within the padding. `unit` lives as long as this function, and
    // nothing else uses the two buffers meanwhile.
    unsafe {
        let mut a = Lane::new(bytes, if first_stop.moves() { first.position } else { &origin }, unit);
        let mut b = Lane::new(bytes, if second_stop.moves() { second.position } else { &origin }, unit);
        let ends = walk_lanes(bytes, unit, (&mut a, first_stop), (&mut b, second_stop));
        if first_stop.moves() {
            a.finish(bytes, first.position);
        }
        if second_stop.moves() {
            b.finish(bytes, second.position);
        }
        ends
    }
}

/// # Safety
///
/// As for [`Lane::round`] as long as a lane is before its stop.
#[inline(always)]
unsafe fn walk_lanes(bytes: Bytes, unit: &FastUnit<'_>, a: (&mut Lane, Stop), b: (&mut Lane, Stop)) -> Ends {
    let ((a, a_stop), (b, b_stop)) = (a, b);
    let (a_rounds, b_rounds) = (a_stop.of_rounds(), b_stop.of_rounds());
    let mut ends = (Ok(()), Ok(()));
    // SAFETY: as the caller says.
    unsafe {
        while a.is_before(a_rounds) && b.is_before(b_rounds) && ends.0.is_ok() && ends.1.is_ok() {
            ends = (a.round(bytes, unit), b.round(bytes, unit));
        }
        while a.is_before(a_rounds) && ends.0.is_ok() {
            ends.0 = a.round(bytes, unit);
        }
        while b.is_before(b_rounds) && ends.1.is_ok() {
            ends.1 = b.round(bytes, unit);
        }
        while a.is_before(a_stop) && b.is_before(b_stop) && ends.0.is_ok() && ends.1.is_ok() {
            ends = (a.round_of_one(bytes, unit), b.round_of_one(bytes, unit));
        }
        while a.is_before(a_stop) && ends.0.is_ok() {
            ends.0 = a.round_of_one(bytes, unit);
        }
        while b.is_before(b_stop) && ends.1.is_ok() {
            ends.1 = b.round_of_one(bytes, unit);
        }
    }
    ends
}
