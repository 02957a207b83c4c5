//! Checks that every scan holds all its blocks.
//!
//! Decoders fill what is missing with grey and call it a picture; whoever
//! waits for a negative should hear instead that the file is cut short. So
//! the codes of each scan are walked here, without computing anything from
//! them.

use super::frame::{Component, Frame, Process};
use super::huffman::{Bits, Huffman};
use super::segments::Segment;
use super::tables::Tables;
use crate::error::InvertError;

/// What was seen of a picture so far.
#[derive(Debug)]
pub(super) struct ScanCheck {
    frame: Frame,
    grids: Vec<Grid>,
}

/// A component of a scan, by index, and its two tables.
type Member<'a> = (usize, Option<&'a Huffman>, Option<&'a Huffman>);

/// The blocks of a component.
#[derive(Debug)]
struct Grid {
    /// Blocks in a row, with those that fill up the last unit of an
    /// interleaved scan.
    stride: usize,
    /// Blocks that a scan of this component alone has.
    columns: usize,
    rows: usize,
    /// Whether a scan has given it its mean values.
    has_dc: bool,
    /// For each block of a progressive picture, a bit for each coefficient
    /// that is not zero: refinement has one bit more for each of them.
    nonzero: Vec<u64>,
}

/// A scan header (T.81 B.2.3).
#[derive(Debug)]
struct Scan<'a> {
    members: Vec<Member<'a>>,
    first: u8,
    last: u8,
    process: Process,
    /// Whether it only adds a bit to what an earlier scan gave.
    refines: bool,
}

/// What a walk through a scan ran into.
#[derive(Debug)]
enum Fault {
    NoTable,
    CutShort,
}

impl ScanCheck {
    pub(super) fn new(frame: Frame) -> Self {
        let (across, down) = frame.largest_factors();
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        let units_across = width.div_ceil(8 * usize::from(across));
        let units_down = height.div_ceil(8 * usize::from(down));
        let grid = |component: &Component| {
            let (horizontal, vertical) = (usize::from(component.horizontal), usize::from(component.vertical));
            let stride = units_across * horizontal;
            let blocks = match frame.process {
                Process::Progressive => stride * units_down * vertical,
                Process::Sequential | Process::Other(_) => 0,
            };
            Grid {
                stride,
                // T.81 A.1.1, A.2.2: alone, a component has no filling blocks.
                columns: (width * horizontal).div_ceil(usize::from(across)).div_ceil(8),
                rows: (height * vertical).div_ceil(usize::from(down)).div_ceil(8),
                has_dc: false,
                nonzero: vec![0; blocks],
            }
        };
        let grids = frame.components.iter().map(grid).collect();
        Self { frame, grids }
    }

    /// Walks one scan.
    pub(super) fn walk(&mut self, header: &Segment<'_>, data: &[u8], tables: &Tables) -> Result<(), InvertError> {
        let scan = self.parse(header, tables)?;
        let walked = match scan.members.as_slice() {
            &[(component, ..)] => self.walk_alone(&scan, component, data, tables.restart_interval),
            _ => self.walk_interleaved(&scan, data, tables.restart_interval),
        };
        match walked {
            Ok(()) => {}
            Err(Fault::NoTable) => {
                return Err(InvertError::UnsupportedFeature { feature: "JPEG without Huffman tables" });
            }
            Err(Fault::CutShort) => return Err(header.damaged("a scan that does not hold all its blocks")),
        }
        if scan.first == 0 {
            for (component, ..) in scan.members {
                self.grids[component].has_dc = true;
            }
        }
        Ok(())
    }

    /// Whether each component had a scan.
    pub(super) fn is_complete(&self) -> bool {
        self.grids.iter().all(|grid| grid.has_dc)
    }

    fn parse<'a>(&self, header: &Segment<'_>, tables: &'a Tables) -> Result<Scan<'a>, InvertError> {
        let wrong = || header.damaged("a scan header that contradicts the frame");
        let (&count, payload) = header.payload.split_first().ok_or_else(wrong)?;
        let (pairs, parameters) = payload.split_at_checked(2 * usize::from(count)).ok_or_else(wrong)?;
        let &[first, last, approximation] = parameters else { return Err(wrong()) };
        let mut members: Vec<Member<'a>> = Vec::new();
        for &[id, places] in pairs.as_chunks::<2>().0 {
            let component = self.frame.components.iter().position(|component| component.id == id).ok_or_else(wrong)?;
            let is_twin = members.iter().any(|&(other, ..)| other == component);
            let (dc, ac) = (usize::from(places >> 4), usize::from(places & 0x0F));
            if is_twin || dc > 3 || ac > 3 {
                return Err(wrong());
            }
            members.push((component, tables.dc[dc].as_ref(), tables.ac[ac].as_ref()));
        }
        let process = self.frame.process;
        let is_progressive = process == Process::Progressive;
        let is_possible = match (is_progressive, first, last) {
            (false, first, last) => first == 0 && last == 63,
            (true, 0, last) => last == 0,
            // T.81 G.1.1.1.1: only mean values are interleaved.
            (true, first, last) => first <= last && last <= 63 && count == 1,
        };
        // B.2.3: a unit of an interleaved scan has at most ten blocks.
        let blocks = |&(component, ..): &Member<'_>| {
            let Component { horizontal, vertical, .. } = self.frame.components[component];
            u32::from(horizontal * vertical)
        };
        let unit_blocks: u32 = members.iter().map(blocks).sum();
        if count == 0 || !is_possible || (count > 1 && unit_blocks > 10) {
            return Err(wrong());
        }
        Ok(Scan { members, first, last, process, refines: is_progressive && approximation >> 4 != 0 })
    }

    fn walk_alone(&mut self, scan: &Scan<'_>, component: usize, data: &[u8], interval: u16) -> Result<(), Fault> {
        let Grid { columns, rows, stride, .. } = self.grids[component];
        let mut walk = Walk::new(data, interval);
        for row in 0..rows {
            for column in 0..columns {
                walk.begin_unit()?;
                let nonzero = self.grids[component].nonzero.get_mut(row * stride + column);
                walk.block(scan, 0, nonzero)?;
            }
        }
        Ok(())
    }

    fn walk_interleaved(&self, scan: &Scan<'_>, data: &[u8], interval: u16) -> Result<(), Fault> {
        let (across, down) = self.frame.largest_factors();
        let units_across = usize::from(self.frame.width).div_ceil(8 * usize::from(across));
        let units_down = usize::from(self.frame.height).div_ceil(8 * usize::from(down));
        let mut walk = Walk::new(data, interval);
        for _ in 0..units_across * units_down {
            walk.begin_unit()?;
            for (member, &(component, ..)) in scan.members.iter().enumerate() {
                let Component { horizontal, vertical, .. } = self.frame.components[component];
                for _ in 0..horizontal * vertical {
                    // Interleaved scans have no refinement that would look at earlier coefficients.
                    walk.block(scan, member, None)?;
                }
            }
        }
        Ok(())
    }
}

/// The way through the bits of a scan.
#[derive(Debug)]
struct Walk<'a> {
    bits: Bits<'a>,
    interval: u16,
    /// Units left in this restart interval.
    left: u16,
    restarts: u8,
    /// Blocks that are known to hold no further new coefficient.
    end_of_band_run: u32,
}

impl<'a> Walk<'a> {
    fn new(data: &'a [u8], interval: u16) -> Self {
        Self { bits: Bits::new(data), interval, left: interval, restarts: 0, end_of_band_run: 0 }
    }

    fn begin_unit(&mut self) -> Result<(), Fault> {
        if self.interval == 0 {
            return Ok(());
        }
        if self.left == 0 {
            self.bits.restart(self.restarts % 8).ok_or(Fault::CutShort)?;
            self.restarts = (self.restarts + 1) % 8;
            self.left = self.interval;
            self.end_of_band_run = 0;
        }
        self.left -= 1;
        Ok(())
    }

    fn block(&mut self, scan: &Scan<'_>, member: usize, nonzero: Option<&mut u64>) -> Result<(), Fault> {
        let (_, dc, ac) = scan.members[member];
        if scan.first == 0 {
            if scan.refines {
                return self.bits.skip(1).ok_or(Fault::CutShort);
            }
            let size = self.symbol(dc)?;
            self.bits.skip(size.into()).ok_or(Fault::CutShort)?;
        }
        match (scan.last, nonzero) {
            (0, _) => Ok(()),
            (_, Some(nonzero)) if scan.refines => self.refine_band(scan, ac, nonzero),
            (_, nonzero) => self.band(scan, ac, nonzero.unwrap_or(&mut 0)),
        }
    }

    fn symbol(&mut self, table: Option<&Huffman>) -> Result<u8, Fault> {
        table.ok_or(Fault::NoTable)?.decode(&mut self.bits).ok_or(Fault::CutShort)
    }

    /// Coefficients of a block, given for the first time (T.81 F.2.2.2, G.1.2.2).
    fn band(&mut self, scan: &Scan<'_>, ac: Option<&Huffman>, nonzero: &mut u64) -> Result<(), Fault> {
        if self.end_of_band_run > 0 {
            self.end_of_band_run -= 1;
            return Ok(());
        }
        let mut place = scan.first.max(1);
        while place <= scan.last {
            let symbol = self.symbol(ac)?;
            let (run, size) = (symbol >> 4, symbol & 0x0F);
            match (run, size) {
                (15, 0) => place += 16,
                // F.1.2.2.1: a sequential scan ends single blocks only.
                (1.., 0) if scan.process == Process::Sequential => return Err(Fault::CutShort),
                (_, 0) => {
                    self.end_of_band_run = self.run_length(run)? - 1;
                    return Ok(());
                }
                _ => {
                    place += run;
                    if place > scan.last {
                        return Err(Fault::CutShort);
                    }
                    *nonzero |= 1 << place;
                    self.bits.skip(size.into()).ok_or(Fault::CutShort)?;
                    place += 1;
                }
            }
        }
        Ok(())
    }

    /// One bit more for the coefficients of a block, and the new ones among
    /// them (T.81 G.1.2.3).
    fn refine_band(&mut self, scan: &Scan<'_>, ac: Option<&Huffman>, nonzero: &mut u64) -> Result<(), Fault> {
        let mut place = scan.first;
        while self.end_of_band_run == 0 && place <= scan.last {
            let symbol = self.symbol(ac)?;
            let (mut run, size) = (symbol >> 4, symbol & 0x0F);
            match (run, size) {
                (15, 0) | (_, 1) => self.bits.skip(size.into()).ok_or(Fault::CutShort)?,
                (_, 0) => {
                    self.end_of_band_run = self.run_length(run)?;
                    break;
                }
                _ => return Err(Fault::CutShort),
            }
            while place <= scan.last {
                if *nonzero & 1 << place != 0 {
                    self.bits.skip(1).ok_or(Fault::CutShort)?;
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                place += 1;
            }
            if size == 1 {
                if place > scan.last {
                    return Err(Fault::CutShort);
                }
                *nonzero |= 1 << place;
            }
            place += 1;
        }
        if self.end_of_band_run > 0 {
            self.end_of_band_run -= 1;
            if place <= scan.last {
                let rest = (u64::MAX << place) & (u64::MAX >> (63 - scan.last));
                self.bits.skip((*nonzero & rest).count_ones()).ok_or(Fault::CutShort)?;
            }
        }
        Ok(())
    }

    /// How many blocks an end-of-band symbol ends, this one included.
    fn run_length(&mut self, exponent: u8) -> Result<u32, Fault> {
        let low = self.bits.take(exponent.into()).ok_or(Fault::CutShort)?;
        Ok((1 << exponent) + low)
    }
}
