//! The blocks of a scan of mean values, in its order (T.81 A.2).

use super::interval::Fault;
use super::restarts::Units;
use crate::jpeg::frame::Layout;
use crate::jpeg::huffman::Huffman;
use crate::jpeg::scan_header::ScanHeader;

/// A scan of mean values.
#[derive(Debug)]
pub(in crate::jpeg) struct MeanScan<'a> {
    pub(super) header: &'a ScanHeader,
    /// By member.
    pub(super) tables: Vec<Option<&'a Huffman>>,
    pub(super) restart_interval: u16,
    /// What it repeats, how often, and how many of these are side by side.
    unit: Vec<UnitBlock>,
    pub(super) units: usize,
    columns: usize,
}

/// A block of a unit.
#[derive(Debug)]
pub(super) struct UnitBlock {
    /// The member of the scan, and its component by its place in the frame.
    pub(super) member: usize,
    pub(super) component: usize,
    /// Its place among all blocks of the picture: in the first unit, and how far
    /// it is from there to the next unit and to the next row of units.
    first: usize,
    to_next: usize,
    to_next_row: usize,
}

impl<'a> MeanScan<'a> {
    pub(in crate::jpeg) fn new(
        header: &'a ScanHeader,
        layout: &Layout,
        tables: Vec<Option<&'a Huffman>>,
        restart_interval: u16,
    ) -> Self {
        let is_interleaved = header.members.len() > 1;
        let mut columns = layout.units_across;
        let mut unit = Vec::new();
        for (index, member) in header.members.iter().enumerate() {
            let grid = layout.grids[member.component];
            let (mut across, mut down) = (grid.horizontal, grid.vertical);
            if !is_interleaved {
                (columns, across, down) = (grid.columns, 1, 1);
            }
            // Component by component, and row by row with the filling blocks.
            let before: usize = layout.grids[..member.component].iter().map(|grid| grid.blocks).sum();
            unit.extend((0..across * down).map(|block| UnitBlock {
                member: index,
                component: member.component,
                first: before + block / across * grid.stride + block % across,
                to_next: across,
                to_next_row: down * grid.stride,
            }));
        }
        Self { header, tables, restart_interval, unit, units: header.units(layout), columns }
    }

    /// Gives each block of the units, in the order of the scan, with its place
    /// among all blocks of the picture.
    #[inline(always)]
    pub(super) fn each_block(
        &self,
        units: Units,
        mut visit: impl FnMut(&UnitBlock, usize) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (mut row, mut column) = (units.start / self.columns, units.start % self.columns);
        for _ in units {
            for block in &self.unit {
                visit(block, block.first + row * block.to_next_row + column * block.to_next)?;
            }
            column += 1;
            if column == self.columns {
                (row, column) = (row + 1, 0);
            }
        }
        Ok(())
    }
}
