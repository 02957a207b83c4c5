//! Scan header: which components, which tables, which part of the
//! coefficients (T.81 B.2.3).

use super::frame::{Frame, Layout, Process};
use super::segments::Segment;
use crate::error::InvertError;

#[derive(Debug)]
pub(super) struct ScanHeader {
    pub(super) members: Vec<Member>,
    /// The band of coefficients, both ends included.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Whether it only adds a bit to what an earlier scan gave.
    pub(super) refines: bool,
    /// How many low bits are left to later scans.
    pub(super) low: u32,
}

/// A component of a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// Its place in the frame.
    pub(super) component: usize,
    /// Its tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// B.2.3: a unit of an interleaved scan has at most ten blocks.
const UNIT_BLOCKS_MAX: usize = 10;

impl ScanHeader {
    pub(super) fn parse(segment: &Segment<'_>, frame: &Frame, layout: &Layout) -> Result<Self, InvertError> {
        let wrong = || segment.damaged("a scan header that contradicts the frame");
        let (&count, payload) = segment.payload.split_first().ok_or_else(wrong)?;
        let (pairs, parameters) = payload.split_at_checked(2 * usize::from(count)).ok_or_else(wrong)?;
        let &[first, last, approximation] = parameters else { return Err(wrong()) };
        let mut members: Vec<Member> = Vec::new();
        for &[id, places] in pairs.as_chunks::<2>().0 {
            let component = frame.components.iter().position(|component| component.id == id).ok_or_else(wrong)?;
            let is_twin = members.iter().any(|other| other.component == component);
            let (dc, ac) = (usize::from(places >> 4), usize::from(places & 0x0F));
            if is_twin || dc > 3 || ac > 3 {
                return Err(wrong());
            }
            members.push(Member { component, dc, ac });
        }
        let is_progressive = frame.process == Process::Progressive;
        let is_possible = match (is_progressive, first, last) {
            (false, first, last) => first == 0 && last == 63,
            (true, 0, last) => last == 0,
            // G.1.1.1.1: only mean values are interleaved.
            (true, first, last) => first <= last && last <= 63 && count == 1,
        };
        let header = Self {
            members,
            first: first.into(),
            last: last.into(),
            refines: is_progressive && approximation >> 4 != 0,
            low: if is_progressive { u32::from(approximation & 0x0F) } else { 0 },
        };
        let is_interleaved = header.members.len() > 1;
        // G.1.1.1.2: Al is at most 13.
        let is_too_large = (is_interleaved && header.unit(layout).count() > UNIT_BLOCKS_MAX) || header.low > 13;
        if header.members.is_empty() || !is_possible || is_too_large { Err(wrong()) } else { Ok(header) }
    }

    /// The member of each block of the unit that the scan repeats (A.2.3).
    pub(super) fn unit<'a>(&'a self, layout: &'a Layout) -> impl Iterator<Item = Member> + 'a {
        let is_interleaved = self.members.len() > 1;
        self.members.iter().flat_map(move |&member| {
            let grid = &layout.grids[member.component];
            std::iter::repeat_n(member, if is_interleaved { grid.horizontal * grid.vertical } else { 1 })
        })
    }

    /// How often the scan repeats its unit.
    pub(super) fn units(&self, layout: &Layout) -> usize {
        match self.members.as_slice() {
            [member] => layout.grids[member.component].columns * layout.grids[member.component].rows,
            _ => layout.units,
        }
    }
}
