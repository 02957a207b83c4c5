//! Writes the negative, part by part.

use super::Picture;
use super::colour::ColourModel;
use super::embedded::Extras;
use super::frame::{Layout, Process};
use super::huffman::Definition;
use super::marker::{DHT, EOI, SOI, is_metadata};
use super::scan::buffers::Buffers;
use super::scan::groups::GroupCache;
use super::scan::interval::{BlockTables, Fault};
use super::scan::mean_scan::MeanScan;
use super::scan::means::Means;
use super::scan::progressive::{Band, BandScan};
use super::scan::sequential::{Missing, Pace, SequentialScan};
use super::scan_header::ScanHeader;
use super::segments::{Part, ScanData, Segment};
use super::tables::Tables;
use crate::error::InvertError;

/// Working memory.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    groups: GroupCache,
    buffers: Buffers,
    means: Means,
    /// By component, for each of its blocks in the order of a scan of its own:
    /// a bit for each coefficient that is not zero so far.
    nonzero: Vec<Vec<u64>>,
    pace: Pace,
}

impl Scratch {
    pub(crate) fn by_reference() -> Self {
        Self { pace: Pace::Reference, ..Self::default() }
    }
}

/// Times that a picture is begun anew because its tables lack a code. Each
/// time adds at least one of 16 categories to one of its tables; chosen far
/// above the one time that a real file needs.
const ATTEMPTS: usize = 16;

/// Categories of differences end at 15 bits (T.81 H.1.2.2 has one more, for
/// lossless pictures).
const CATEGORIES: u8 = 16;

/// What the tables of a file need so that each first mean value has a code.
#[derive(Debug, Default)]
struct Additions {
    /// Number of the table, and the category.
    codes: Vec<(usize, u8)>,
    /// Components whose mean values cannot be corrected, since their table has
    /// no room.
    uncorrected: [bool; 3],
}

impl Additions {
    fn extend(&self, number: usize, table: Definition) -> Definition {
        let categories = self.codes.iter().filter(|&&(other, _)| other == number).map(|&(_, category)| category);
        categories.fold(table, |table, category| table.with(category).unwrap_or(table))
    }

    fn add(&mut self, number: Option<usize>, missing: Missing) {
        match number.map(|number| (number, missing.category)) {
            Some(code) if missing.category < CATEGORIES && !self.codes.contains(&code) => self.codes.push(code),
            // The standard's own tables are not in the file, or there was no room.
            _ => self.uncorrected[missing.component] = true,
        }
    }
}

pub(super) fn negative(
    picture: &Picture<'_>,
    extras: &Extras<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<(), InvertError> {
    let layout = picture.frame.layout();
    let mut additions = Additions::default();
    scratch.groups.trim();
    if picture.frame.process == Process::Progressive {
        read_means(picture, &layout, scratch)?;
    }
    for _ in 0..ATTEMPTS {
        out.clear();
        let mut rewrite = Rewrite::new(picture, &layout, &additions, scratch);
        let missing = rewrite.write(extras.clone(), out)?;
        if missing.is_empty() {
            return Ok(());
        }
        for (number, missing) in missing {
            additions.add(number, missing);
        }
    }
    // A correction may be left out, but values of a progressive picture need their codes.
    Err(InvertError::UnsupportedFeature { feature: "progressive JPEG whose tables have no room" })
}

/// Walks the scans of mean values of a progressive picture.
fn read_means(picture: &Picture<'_>, layout: &Layout, scratch: &mut Scratch) -> Result<(), InvertError> {
    let mut tables = Tables::new();
    scratch.means.reset(layout);
    for part in &picture.parts {
        match part {
            Part::Segment(segment) if segment.marker == DHT => {
                tables.read_huffman(segment, |_, table| table)?;
            }
            Part::Segment(segment) => tables.read(segment)?,
            Part::Scan { header, data } => {
                let scan = ScanHeader::parse(header, &picture.frame, layout)?;
                if scan.first == 0 {
                    let scan = mean_scan(&scan, layout, &tables);
                    let read = scratch.means.read(&scan, *data, &mut scratch.buffers);
                    read.map_err(|fault| explain(fault, header))?;
                }
            }
            Part::End => {}
        }
    }
    Ok(())
}

fn mean_scan<'a>(header: &'a ScanHeader, layout: &Layout, tables: &'a Tables) -> MeanScan<'a> {
    let dc = header.members.iter().map(|member| tables.dc[member.dc].table.as_ref());
    MeanScan::new(header, layout, dc.collect(), tables.restart_interval)
}

/// One walk through all parts.
#[derive(Debug)]
struct Rewrite<'a> {
    picture: &'a Picture<'a>,
    layout: &'a Layout,
    model: ColourModel,
    tables: Tables,
    additions: &'a Additions,
    scratch: &'a mut Scratch,
    /// For each component how much less than its negative its mean values
    /// shall be; `None` before its first scan of them.
    corrections: [Option<i32>; 3],
    /// Intervals of mean values that were written.
    mean_intervals: usize,
    missing: Vec<(Option<usize>, Missing)>,
}

impl<'a> Rewrite<'a> {
    fn new(picture: &'a Picture<'a>, layout: &'a Layout, additions: &'a Additions, scratch: &'a mut Scratch) -> Self {
        scratch.nonzero.resize_with(layout.grids.len(), Vec::new);
        let is_progressive = picture.frame.process == Process::Progressive;
        for (nonzero, grid) in scratch.nonzero.iter_mut().zip(&layout.grids).filter(|_| is_progressive) {
            nonzero.clear();
            nonzero.resize(grid.columns * grid.rows, 0);
        }
        Self {
            picture,
            layout,
            model: ColourModel::of(&picture.frame, &picture.parts),
            tables: Tables::new(),
            additions,
            scratch,
            corrections: [None; 3],
            mean_intervals: 0,
            missing: Vec::new(),
        }
    }

    /// What the tables lack, if anything: `out` is then of no use.
    fn write(
        &mut self,
        mut extras: Extras<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Vec<(Option<usize>, Missing)>, InvertError> {
        out.extend_from_slice(&[0xFF, SOI]);
        for part in &self.picture.parts {
            match part {
                Part::Segment(segment) if is_metadata(segment.marker) => extras.write_next(segment.filling(), out),
                Part::Segment(segment) => self.write_segment(segment, out)?,
                Part::Scan { header, data } => {
                    let scan = ScanHeader::parse(header, &self.picture.frame, self.layout)?;
                    out.extend_from_slice(header.raw);
                    self.correct(&scan, header)?;
                    self.write_scan(&scan, *data, out).map_err(|fault| explain(fault, header))?;
                }
                Part::End => {}
            }
        }
        let is_complete = self.corrections.iter().take(self.layout.grids.len()).all(Option::is_some);
        if !is_complete {
            return Err(self.picture.damaged("a component without a scan"));
        }
        out.extend_from_slice(&[0xFF, EOI]);
        extras.finish(out);
        Ok(std::mem::take(&mut self.missing))
    }

    fn write_segment(&mut self, segment: &Segment<'_>, out: &mut Vec<u8>) -> Result<(), InvertError> {
        if segment.marker == DHT {
            let rewritten = self.tables.read_huffman(segment, |number, table| self.additions.extend(number, table))?;
            if rewritten.is_changed {
                Segment::write(DHT, &rewritten.payload, out);
                return Ok(());
            }
        } else {
            self.tables.read(segment)?;
        }
        out.extend_from_slice(segment.raw);
        Ok(())
    }

    /// Fixes the corrections of components whose first mean values are in this
    /// scan: their quantisation is the one that stands here.
    fn correct(&mut self, scan: &ScanHeader, header: &Segment<'_>) -> Result<(), InvertError> {
        for member in scan.members.iter().filter(|_| scan.first == 0) {
            if scan.refines && self.corrections[member.component].is_none() {
                // G.1.1.1.2: a refinement adds a bit to values; without them no bit makes the negative.
                return Err(header.damaged("a scan that refines values which no scan has given"));
            }
            let component = self.picture.frame.components[member.component];
            let Some(step) = self.tables.dc_steps[usize::from(component.table)] else {
                return Err(header.damaged("a scan without its tables"));
            };
            if step == 0 {
                return Err(header.damaged("a quantisation step of zero"));
            }
            let is_corrected = self.model.has_negative_below(member.component);
            let correction = if is_corrected && !self.additions.uncorrected[member.component] {
                // A mean value is eight times the mean sample (A.3.3), and the negative shall be one sample less.
                (8 + i32::from(step) / 2) / i32::from(step)
            } else {
                0
            };
            self.corrections[member.component].get_or_insert(correction);
        }
        Ok(())
    }

    fn write_scan(&mut self, scan: &ScanHeader, data: ScanData<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let missing = match (self.picture.frame.process, scan.first) {
            (Process::Sequential, _) => self.write_sequential(scan, data, out)?,
            (Process::Progressive, 0) => self.write_means(scan, data, out)?,
            (Process::Progressive, _) => return self.write_band(scan, data, out),
            (Process::Other(_), _) => unreachable!("the frame was checked"),
        };
        for missing in missing {
            let member = scan.members.iter().find(|member| member.component == missing.component);
            let number = member.and_then(|member| self.tables.dc[member.dc].number);
            self.missing.push((number, missing));
        }
        Ok(())
    }

    fn write_sequential(
        &mut self,
        scan: &ScanHeader,
        data: ScanData<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Vec<Missing>, Fault> {
        let Scratch { groups, buffers, pace, .. } = &mut *self.scratch;
        let corrections = self.corrections.map(Option::unwrap_or_default);
        let mut unit = Vec::new();
        for member in scan.unit(self.layout) {
            let dc = self.tables.dc[member.dc].table.as_ref().ok_or(Fault::NoTable)?;
            let ac = self.tables.ac[member.ac].as_ref().ok_or(Fault::NoTable)?;
            unit.push(BlockTables::new(groups, dc, ac, member.component));
        }
        let scan = SequentialScan {
            unit: &unit,
            units: scan.units(self.layout),
            restart_interval: self.tables.restart_interval,
            corrections: &corrections,
            pace: *pace,
        };
        scan.invert(data, groups, buffers, out)
    }

    fn write_means(&mut self, scan: &ScanHeader, data: ScanData<'_>, out: &mut Vec<u8>) -> Result<Vec<Missing>, Fault> {
        let Scratch { means, buffers, .. } = &mut *self.scratch;
        let scan = mean_scan(scan, self.layout, &self.tables);
        let corrections = self.corrections.map(Option::unwrap_or_default);
        means.write(&scan, &corrections, data, &mut self.mean_intervals, buffers, out)
    }

    fn write_band(&mut self, scan: &ScanHeader, data: ScanData<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Scratch { nonzero, buffers, pace, .. } = &mut *self.scratch;
        let [member] = scan.members[..] else { return Err(Fault::Code) };
        let ac = self.tables.ac[member.ac].as_ref().ok_or(Fault::NoTable)?;
        let band = Band { first: scan.first, last: scan.last, refines: scan.refines };
        let scan = BandScan { band, ac, restart_interval: self.tables.restart_interval, pace: *pace };
        scan.invert(data, &mut nonzero[member.component], buffers, out)
    }
}

fn explain(fault: Fault, header: &Segment<'_>) -> InvertError {
    match fault {
        Fault::CutShort => header.damaged("a scan that does not hold all its blocks"),
        Fault::Code => header.damaged("a scan with bits that are no code"),
        Fault::NoTable => header.damaged("a scan without its tables"),
    }
}
