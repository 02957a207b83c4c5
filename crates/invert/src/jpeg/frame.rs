//! Frame header: size, precision, components (T.81 B.2.2).

use super::marker::{DAC, DHT, JPG, SOF0, SOF1, SOF2, SOF3, SOF9, SOF11, SOF15, SOF55};
use super::segments::Segment;
use crate::error::InvertError;

/// How the picture is laid out.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) width: u16,
    pub(super) height: u16,
    /// Bits of a sample.
    pub(super) precision: u8,
    pub(super) process: Process,
    pub(super) components: Vec<Component>,
}

/// How coefficients are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// Baseline or extended sequential, Huffman-coded.
    Sequential,
    /// Progressive, Huffman-coded.
    Progressive,
    /// What we do not invert, by its name.
    Other(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors, 1 to 4.
    pub(super) horizontal: u8,
    pub(super) vertical: u8,
    /// The quantisation table it uses.
    pub(super) table: u8,
}

/// Where the blocks of a picture are (T.81 A.2).
#[derive(Debug)]
pub(super) struct Layout {
    /// Units of an interleaved scan.
    pub(super) units: usize,
    pub(super) units_across: usize,
    /// By component.
    pub(super) grids: Vec<Grid>,
}

/// The blocks of a component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Blocks of a unit, across and down.
    pub(super) horizontal: usize,
    pub(super) vertical: usize,
    /// Blocks in a row, with those that fill up the last unit of an
    /// interleaved scan, and all of them.
    pub(super) stride: usize,
    pub(super) blocks: usize,
    /// Blocks that a scan of this component alone has.
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// Whether a marker begins a frame header.
pub(super) fn begins_frame(marker: u8) -> bool {
    matches!(marker, SOF0..=SOF15 | SOF55) && !matches!(marker, DHT | JPG | DAC)
}

impl Frame {
    pub(super) fn parse(segment: &Segment<'_>) -> Result<Self, InvertError> {
        let [precision, h0, h1, w0, w1, count, components @ ..] = segment.payload else {
            return Err(segment.damaged("a frame header that is too short"));
        };
        let (triples, rest) = components.as_chunks::<3>();
        if triples.len() != usize::from(*count) || !rest.is_empty() || triples.is_empty() {
            return Err(segment.damaged("a frame header of a wrong length"));
        }
        let (width, height) = (u16::from_be_bytes([*w0, *w1]), u16::from_be_bytes([*h0, *h1]));
        if width == 0 {
            return Err(segment.damaged("a picture without pixels"));
        }
        let process = match segment.marker {
            SOF0 | SOF1 => Process::Sequential,
            SOF2 => Process::Progressive,
            SOF3 => Process::Other("lossless JPEG"),
            SOF55 => Process::Other("JPEG-LS"),
            SOF9..=SOF11 => Process::Other("arithmetic-coded JPEG"),
            _ => Process::Other("hierarchical JPEG"),
        };
        let components = triples.iter().map(|&[id, factors, table]| Component {
            id,
            horizontal: factors >> 4,
            vertical: factors & 0x0F,
            table,
        });
        Ok(Self { width, height, precision: *precision, process, components: components.collect() })
    }

    /// Judges whether we can decode it.
    pub(super) fn check(&self, segment: &Segment<'_>) -> Result<(), InvertError> {
        let unsupported = |feature| Err(InvertError::UnsupportedFeature { feature });
        match (self.process, self.precision, self.components.len()) {
            (Process::Other(feature), _, _) => return unsupported(feature),
            (_, 12, _) => return unsupported("12-bit JPEG"),
            (_, 8, 1 | 3) => {}
            (_, 8, 4) => return unsupported("CMYK JPEG"),
            (_, 8, _) => return unsupported("JPEG with this number of components"),
            _ => return Err(segment.damaged("a sample size that does not exist")),
        }
        for (index, component) in self.components.iter().enumerate() {
            let Component { id, horizontal, vertical, table } = *component;
            let is_twin = self.components[..index].iter().any(|other| other.id == id);
            if is_twin || table > 3 || !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) {
                return Err(segment.damaged("a component that cannot be"));
            }
        }
        Ok(())
    }

    /// Whether the components call themselves red, green and blue.
    pub(super) fn has_letters(&self) -> bool {
        self.components.iter().map(|component| component.id).eq(*b"RGB")
    }

    /// The blocks of each component, and how often an interleaved scan repeats
    /// its unit.
    pub(super) fn layout(&self) -> Layout {
        let (across, down) = self.largest_factors();
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let (across, down) = (usize::from(across), usize::from(down));
        let (units_across, units_down) = (width.div_ceil(8 * across), height.div_ceil(8 * down));
        let grid = |component: &Component| {
            let (horizontal, vertical) = (usize::from(component.horizontal), usize::from(component.vertical));
            Grid {
                horizontal,
                vertical,
                stride: units_across * horizontal,
                blocks: units_across * horizontal * units_down * vertical,
                // A.1.1, A.2.2: alone, a component has no filling blocks.
                columns: (width * horizontal).div_ceil(across).div_ceil(8),
                rows: (height * vertical).div_ceil(down).div_ceil(8),
            }
        };
        Layout { units_across, units: units_across * units_down, grids: self.components.iter().map(grid).collect() }
    }

    /// The largest sampling factors, horizontal and vertical.
    fn largest_factors(&self) -> (u8, u8) {
        let across = self.components.iter().map(|component| component.horizontal).max();
        let down = self.components.iter().map(|component| component.vertical).max();
        (across.unwrap_or(1), down.unwrap_or(1))
    }
}
