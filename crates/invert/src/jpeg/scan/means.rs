//! Mean values of a progressive picture (T.81 G.1.2.1): decoded, and written
//! anew.
//!
//! Their point transform is a shift, which rounds down, and their refinement
//! is two's complement: flipped bits would be -v-1, one step too dark in every
//! scan but the last. So the values have to be known before the first one is
//! written.

use super::buffers::Buffers;
use super::dc::{category, extend, magnitude};
use super::interval::{Fault, Interval};
use super::restarts::{Units, intervals};
use super::sequential::Missing;
use super::splice::BitWriter;
use super::stuffing;
use crate::jpeg::frame::Layout;
use crate::jpeg::huffman::Huffman;
use crate::jpeg::scan_header::ScanHeader;
use crate::jpeg::segments::ScanData;

/// The mean values of all blocks.
#[derive(Debug, Default)]
pub(in crate::jpeg) struct Means {
    /// By component; row by row with the filling blocks.
    values: Vec<Vec<i16>>,
    /// What each interval, in the order of the file, ends with: the bit that
    /// fills up its last byte, and whole bytes without use.
    ends: Vec<(u8, Vec<u8>)>,
}

/// Values stay below, so that the difference of any two has a category. Far
/// above those of eight-bit samples, which end at 2^11 (T.81 F.1.1.5.1).
const VALUES_END: i32 = 1 << 14;

/// A scan of mean values.
#[derive(Debug)]
pub(in crate::jpeg) struct MeanScan<'a> {
    pub(in crate::jpeg) header: &'a ScanHeader,
    pub(in crate::jpeg) layout: &'a Layout,
    /// By member.
    pub(in crate::jpeg) tables: Vec<Option<&'a Huffman>>,
    pub(in crate::jpeg) restart_interval: u16,
}

impl Means {
    pub(in crate::jpeg) fn reset(&mut self, layout: &Layout) {
        self.ends.clear();
        self.values.resize_with(layout.grids.len(), Vec::new);
        for (values, grid) in self.values.iter_mut().zip(&layout.grids) {
            values.clear();
            values.resize(grid.blocks, 0);
        }
    }

    /// Takes the values of a scan in.
    pub(in crate::jpeg) fn read(
        &mut self,
        scan: &MeanScan<'_>,
        data: ScanData<'_>,
        buffers: &mut Buffers,
    ) -> Result<(), Fault> {
        for piece in intervals(data, scan.units(), scan.restart_interval) {
            let piece = piece?;
            buffers.load(piece.data);
            let interval = buffers.interval();
            let end_bit = self.read_interval(&interval, scan, piece.units)?;
            let data = &interval.original[..interval.data_bytes()];
            let filling = if end_bit.is_multiple_of(8) { 1 } else { data[end_bit / 8] & 1 };
            self.ends.push((filling, data[end_bit.div_ceil(8)..].to_vec()));
        }
        Ok(())
    }

    fn read_interval(&mut self, interval: &Interval<'_>, scan: &MeanScan<'_>, units: Units) -> Result<usize, Fault> {
        let header = scan.header;
        let (mut bit, mut predictions) = (0, [0_i32; 4]);
        let values = &mut self.values;
        scan.each_block(units, |member, component, block| {
            let window = interval.checked_window(bit)?;
            let value = &mut values[component][block];
            if header.refines {
                *value |= i16::from(window >> 63 == 1) << header.low;
                bit += 1;
                return Ok(());
            }
            let table = scan.tables[member].ok_or(Fault::NoTable)?;
            let symbol = table.decode(window).filter(|symbol| symbol.value < 16).ok_or(Fault::Code)?;
            let size = u32::from(symbol.value);
            let bits = (window << symbol.code_bits >> 32 >> (32 - size)) as u32;
            predictions[member] = predictions[member].wrapping_add(extend(bits, size));
            let shifted = predictions[member].checked_mul(1 << header.low).filter(|shifted| shifted.abs() < VALUES_END);
            *value = shifted.and_then(|shifted| i16::try_from(shifted).ok()).ok_or(Fault::Code)?;
            bit += (symbol.code_bits + size) as usize;
            Ok(())
        })?;
        if bit > 8 * interval.data_bytes() { Err(Fault::CutShort) } else { Ok(bit) }
    }

    /// Writes the negative of a scan; `ends` counts the intervals written so
    /// far. Returns what the tables lack.
    pub(in crate::jpeg) fn write(
        &self,
        scan: &MeanScan<'_>,
        corrections: &[i32],
        data: ScanData<'_>,
        ends: &mut usize,
        buffers: &mut Buffers,
        out: &mut Vec<u8>,
    ) -> Result<Vec<Missing>, Fault> {
        let mut missing = Vec::new();
        let header = scan.header;
        for piece in intervals(data, scan.units(), scan.restart_interval) {
            let piece = piece?;
            buffers.spare.clear();
            let mut writer = BitWriter::new(&mut buffers.spare);
            let mut predictions = [0_i32; 4];
            scan.each_block(piece.units, |member, component, block| {
                let negative = -i32::from(self.values[component][block]) - corrections[component];
                let value = negative >> header.low;
                if header.refines {
                    writer.put((value & 1).cast_unsigned().into(), 1);
                    return Ok(());
                }
                let difference = value - predictions[member];
                predictions[member] = value;
                let category = category(difference);
                match scan.tables[member].and_then(|table| table.encode_category(category)) {
                    Some(code) => {
                        let bits = u64::from(code.code) << category | u64::from(magnitude(difference));
                        writer.put(bits, code.bits + category);
                    }
                    None => {
                        let found = Missing { component, category: category as u8 };
                        if !missing.contains(&found) {
                            missing.push(found);
                        }
                    }
                }
                Ok(())
            })?;
            let (filling, rest) = &self.ends[*ends];
            *ends += 1;
            writer.finish((*filling).into());
            buffers.spare.extend_from_slice(rest);
            stuffing::add(&buffers.spare, out);
            out.extend_from_slice(piece.behind);
        }
        Ok(missing)
    }
}

impl MeanScan<'_> {
    fn units(&self) -> usize {
        self.header.units(self.layout)
    }

    /// Gives each block of the units, in the order of the scan: its member and
    /// component, and its place among the blocks of the component.
    #[inline(always)]
    fn each_block(
        &self,
        units: Units,
        mut visit: impl FnMut(usize, usize, usize) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Self { header: scan, layout, .. } = self;
        if let [member] = scan.members[..] {
            let grid = layout.grids[member.component];
            let (mut row, mut column) = (units.start / grid.columns, units.start % grid.columns);
            for _ in units {
                visit(0, member.component, row * grid.stride + column)?;
                column += 1;
                if column == grid.columns {
                    (row, column) = (row + 1, 0);
                }
            }
            return Ok(());
        }
        let (mut row, mut column) = (units.start / layout.units_across, units.start % layout.units_across);
        for _ in units {
            for (index, member) in scan.members.iter().enumerate() {
                let grid = layout.grids[member.component];
                let first = row * grid.vertical * grid.stride + column * grid.horizontal;
                for y in 0..grid.vertical {
                    for x in 0..grid.horizontal {
                        visit(index, member.component, first + y * grid.stride + x)?;
                    }
                }
            }
            column += 1;
            if column == layout.units_across {
                (row, column) = (row + 1, 0);
            }
        }
        Ok(())
    }
}
