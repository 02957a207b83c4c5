//! Mean values of a progressive picture (T.81 G.1.2.1): decoded, and written
//! anew.
//!
//! Their point transform is a shift, which rounds down, and their refinement
//! is two's complement: flipped bits would be -v-1, one step too dark in every
//! scan but the last. So the values have to be known before the first one is
//! written.

use super::buffers::Buffers;
use super::cursor::Cursor;
use super::dc::{category, extend, magnitude};
use super::interval::{Fault, PADDING_BYTES};
use super::mean_scan::MeanScan;
use super::restarts::{Units, intervals};
use super::sequential::Missing;
use super::splice::BitWriter;
use super::stuffing;
use crate::jpeg::frame::Layout;
use crate::jpeg::segments::ScanData;

/// The mean values of all blocks.
#[derive(Debug, Default)]
pub(in crate::jpeg) struct Means {
    /// By their places in a [`MeanScan`].
    values: Vec<i16>,
    /// What each interval, in the order of the file, ends with: the bit that
    /// fills up its last byte, and whole bytes without use.
    ends: Vec<(u8, Vec<u8>)>,
}

/// Values stay below, so that the difference of any two has a category. Far
/// above those of eight-bit samples, which end at 2^11 (T.81 F.1.1.5.1).
const VALUES_END: i32 = 1 << 14;

/// A scan has at most as many (T.81 B.2.3).
const MEMBERS_MAX: usize = 4;

impl Means {
    pub(in crate::jpeg) fn reset(&mut self, layout: &Layout) {
        self.ends.clear();
        self.values.clear();
        self.values.resize(layout.grids.iter().map(|grid| grid.blocks).sum(), 0);
    }

    /// Takes the values of a scan in.
    pub(in crate::jpeg) fn read(
        &mut self,
        scan: &MeanScan<'_>,
        data: ScanData<'_>,
        buffers: &mut Buffers,
    ) -> Result<(), Fault> {
        for piece in intervals(data, scan.units, scan.restart_interval) {
            let piece = piece?;
            let data = buffers.load_alone(piece.data);
            let end_bit = if scan.header.refines {
                self.read_refinement(data, scan, piece.units)?
            } else {
                self.read_first(data, scan, piece.units)?
            };
            let data = &data[..data.len() - PADDING_BYTES];
            let filling = if end_bit.is_multiple_of(8) { 1 } else { data[end_bit / 8] & 1 };
            self.ends.push((filling, data[end_bit.div_ceil(8)..].to_vec()));
        }
        Ok(())
    }

    /// Returns the bit where it ends.
    fn read_first(&mut self, data: &mut [u8], scan: &MeanScan<'_>, units: Units) -> Result<usize, Fault> {
        let mut predictions = [0_i32; MEMBERS_MAX];
        let mut cursor = Cursor::new(data);
        scan.each_block(units, |block, place| {
            cursor.read_on(data);
            let table = scan.tables[block.member].ok_or(Fault::NoTable)?;
            let window = cursor.window();
            let symbol = table.decode(window).filter(|symbol| symbol.value < 16).ok_or(Fault::Code)?;
            let size = u32::from(symbol.value);
            let bits = (window << symbol.code_bits >> 32 >> (32 - size)) as u32;
            cursor.take(symbol.code_bits + size, 0);
            let prediction = &mut predictions[block.member];
            *prediction = prediction.wrapping_add(extend(bits, size));
            let shifted = prediction.checked_mul(1 << scan.header.low).filter(|shifted| shifted.abs() < VALUES_END);
            self.values[place] = shifted.and_then(|shifted| i16::try_from(shifted).ok()).ok_or(Fault::Code)?;
            Ok(())
        })?;
        cursor.finish(data)
    }

    /// Returns the bit where it ends.
    fn read_refinement(&mut self, data: &mut [u8], scan: &MeanScan<'_>, units: Units) -> Result<usize, Fault> {
        let mut cursor = Cursor::new(data);
        scan.each_block(units, |_, place| {
            cursor.read_on(data);
            self.values[place] |= i16::from(cursor.window() >> 63 == 1) << scan.header.low;
            cursor.take(1, 0);
            Ok(())
        })?;
        cursor.finish(data)
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
        for piece in intervals(data, scan.units, scan.restart_interval) {
            let piece = piece?;
            buffers.spare.clear();
            let mut writer = BitWriter::new(&mut buffers.spare);
            if scan.header.refines {
                self.write_refinement(scan, piece.units, corrections, &mut writer)?;
            } else {
                self.write_first(scan, piece.units, corrections, &mut writer, &mut missing)?;
            }
            let (filling, rest) = &self.ends[*ends];
            *ends += 1;
            writer.finish((*filling).into());
            buffers.spare.extend_from_slice(rest);
            stuffing::add(&buffers.spare, out);
            out.extend_from_slice(piece.behind);
        }
        Ok(missing)
    }

    fn write_first(
        &self,
        scan: &MeanScan<'_>,
        units: Units,
        corrections: &[i32],
        writer: &mut BitWriter<'_>,
        missing: &mut Vec<Missing>,
    ) -> Result<(), Fault> {
        let mut predictions = [0_i32; MEMBERS_MAX];
        scan.each_block(units, |block, place| {
            let value = self.negative(place, corrections[block.component]) >> scan.header.low;
            let prediction = &mut predictions[block.member];
            let difference = value - *prediction;
            *prediction = value;
            let category = category(difference);
            if let Some(code) = scan.tables[block.member].and_then(|table| table.encode_category(category)) {
                let bits = u64::from(code.code) << category | u64::from(magnitude(difference));
                writer.put(bits, code.bits + category);
                return Ok(());
            }
            let lacks = Missing { component: block.component, category: category as u8 };
            if !missing.contains(&lacks) {
                missing.push(lacks);
            }
            Ok(())
        })
    }

    fn write_refinement(
        &self,
        scan: &MeanScan<'_>,
        units: Units,
        corrections: &[i32],
        writer: &mut BitWriter<'_>,
    ) -> Result<(), Fault> {
        scan.each_block(units, |block, place| {
            let value = self.negative(place, corrections[block.component]) >> scan.header.low;
            writer.put((value & 1).cast_unsigned().into(), 1);
            Ok(())
        })
    }

    fn negative(&self, place: usize, correction: i32) -> i32 {
        -i32::from(self.values[place]) - correction
    }
}
