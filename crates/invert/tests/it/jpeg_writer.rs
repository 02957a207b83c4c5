//! JPEG files of random coefficients, in every layout that the standard
//! allows and other encoders do not write.

/// A file to be written.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Sampling factors of each component, across and down.
    pub(crate) sampling: Vec<(u8, u8)>,
    /// The components of each scan.
    pub(crate) scans: Vec<Vec<usize>>,
    pub(crate) restart_interval: u16,
    /// The step of mean values.
    pub(crate) dc_step: u8,
    pub(crate) height_is: Height,
    pub(crate) tables: Tables,
    /// Bytes 0xFF before each marker.
    pub(crate) filling: usize,
    /// How many of a hundred coefficients are not zero.
    pub(crate) density: u32,
    pub(crate) seed: u32,
}

/// Where the height stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Height {
    InTheFrame,
    /// T.81 B.2.5.
    BehindTheFirstScan,
}

/// How the Huffman tables are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    Defined,
    /// As motion JPEG leaves them out.
    LeftOut,
    /// Each scan defines them again.
    DefinedForEachScan,
    /// Mean values have no category but those that these coefficients need.
    Sparse,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            width: 61,
            height: 45,
            sampling: vec![(2, 2), (1, 1), (1, 1)],
            scans: vec![vec![0, 1, 2]],
            restart_interval: 0,
            dc_step: 3,
            height_is: Height::InTheFrame,
            tables: Tables::Defined,
            filling: 0,
            density: 15,
            seed: 1,
        }
    }
}

/// T.81 table K.3, and every run and size with codes of eight and nine bits.
const DC_COUNTS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const AC_COUNTS: [u8; 16] = [0, 0, 0, 2, 4, 8, 16, 32, 100, 0, 0, 0, 0, 0, 0, 0];

struct Bits {
    out: Vec<u8>,
    rest: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        self.rest = self.rest << bits | u64::from(value);
        self.count += bits;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.rest >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xFF {
                self.out.push(0);
            }
        }
    }

    fn finish(&mut self) {
        let missing = (8 - self.count) % 8;
        self.put((1 << missing) - 1, missing);
    }
}

/// A table by symbol: code and length.
type Codes = [(u32, u32); 256];

fn codes(counts: &[u8; 16], symbols: &[u8]) -> Codes {
    let (mut codes, mut code, mut place) = ([(0, 0); 256], 0, 0);
    for (bits, &count) in (1..).zip(counts) {
        for _ in 0..count {
            codes[usize::from(symbols[place])] = (code, bits);
            (code, place) = (code + 1, place + 1);
        }
        code <<= 1;
    }
    codes
}

fn ac_symbols() -> Vec<u8> {
    let sizes = |size: u8| (0..16_u8).map(move |run| run << 4 | size);
    [0x00, 0xF0].into_iter().chain((1..=10).flat_map(sizes)).collect()
}

fn size_and_magnitude(value: i32) -> (u32, u32) {
    let size = 32 - value.unsigned_abs().leading_zeros();
    let magnitude = if value < 0 { value - 1 } else { value } as u32;
    (size, magnitude & ((1 << size) - 1))
}

impl Layout {
    fn random(&self, place: usize) -> u32 {
        let mixed = (place as u32 ^ self.seed << 20).wrapping_mul(0x9E37_79B9);
        (mixed ^ mixed >> 15).wrapping_mul(0x85EB_CA6B) >> 8
    }

    /// The coefficients of a block, in the order of the file.
    fn block(&self, component: usize, block: usize) -> [i32; 64] {
        let place = |coefficient| (component << 20 | block << 6 | coefficient) + 1;
        std::array::from_fn(|coefficient| {
            let random = self.random(place(coefficient));
            let sign = if random & 1 == 0 { 1 } else { -1 };
            match coefficient {
                0 => sign * (random >> 1 & 0xFF) as i32,
                _ if random >> 9 & 0x7F >= self.density => 0,
                // Small ones are the most.
                _ => sign * ((1 + (random >> 1 & 0x1FF) as i32) >> (random >> 16 & 7)),
            }
        })
    }

    fn factors(&self) -> (usize, usize) {
        let across = self.sampling.iter().map(|&(across, _)| usize::from(across)).max();
        let down = self.sampling.iter().map(|&(_, down)| usize::from(down)).max();
        (across.expect("a component"), down.expect("a component"))
    }

    /// Component and block of each block of a scan, unit by unit (T.81 A.2).
    fn units(&self, scan: &[usize]) -> Vec<Vec<(usize, usize)>> {
        let (across, down) = self.factors();
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let (units_across, units_down) = (width.div_ceil(8 * across), height.div_ceil(8 * down));
        let stride = |component: usize| units_across * usize::from(self.sampling[component].0);
        if let &[component] = scan {
            let (h, v) = self.sampling[component];
            let columns = (width * usize::from(h)).div_ceil(across).div_ceil(8);
            let rows = (height * usize::from(v)).div_ceil(down).div_ceil(8);
            let place = |unit: usize| unit / columns * stride(component) + unit % columns;
            return (0..columns * rows).map(|unit| vec![(component, place(unit))]).collect();
        }
        let unit = |unit: usize| {
            let (row, column) = (unit / units_across, unit % units_across);
            let blocks = scan.iter().flat_map(|&component| {
                let (h, v) = (usize::from(self.sampling[component].0), usize::from(self.sampling[component].1));
                (0..v).flat_map(move |y| (0..h).map(move |x| (component, x, y, h, v)))
            });
            blocks
                .map(|(component, x, y, h, v)| (component, (row * v + y) * stride(component) + column * h + x))
                .collect()
        };
        (0..units_across * units_down).map(unit).collect()
    }

    fn scan_data(&self, scan: &[usize], dc: &Codes, ac: &Codes) -> Vec<u8> {
        let mut bits = Bits { out: vec![], rest: 0, count: 0 };
        let mut last = [0; 4];
        for (index, unit) in self.units(scan).into_iter().enumerate() {
            let interval = usize::from(self.restart_interval);
            if index > 0 && interval > 0 && index % interval == 0 {
                bits.finish();
                bits.out.extend(vec![0xFF; self.filling]);
                bits.out.extend([0xFF, 0xD0 + ((index / interval - 1) % 8) as u8]);
                last = [0; 4];
            }
            for (component, block) in unit {
                let block = self.block(component, block);
                let (size, magnitude) = size_and_magnitude(block[0] - last[component]);
                last[component] = block[0];
                put(&mut bits, dc[size as usize], size, magnitude);
                put_band(&mut bits, &block, ac);
            }
        }
        bits.finish();
        bits.out
    }

    /// The categories of mean values that the scans need.
    fn categories(&self) -> Vec<u8> {
        let mut used = [false; 16];
        for scan in &self.scans {
            let mut last = [0; 4];
            for (index, unit) in self.units(scan).into_iter().enumerate() {
                if self.restart_interval > 0 && index % usize::from(self.restart_interval) == 0 {
                    last = [0; 4];
                }
                for (component, block) in unit {
                    let mean = self.block(component, block)[0];
                    used[size_and_magnitude(mean - last[component]).0 as usize] = true;
                    last[component] = mean;
                }
            }
        }
        (0..16).filter(|&category| used[usize::from(category)]).collect()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = vec![0xFF, 0xD8];
        let segment = |out: &mut Vec<u8>, marker: u8, payload: &[u8]| {
            out.extend(vec![0xFF; self.filling + 1]);
            out.push(marker);
            out.extend((payload.len() as u16 + 2).to_be_bytes());
            out.extend_from_slice(payload);
        };
        let mut quantisation = vec![2; 65];
        (quantisation[0], quantisation[1]) = (0, self.dc_step);
        segment(&mut out, 0xDB, &quantisation);
        let height = if self.height_is == Height::InTheFrame { self.height } else { 0 };
        let mut frame = vec![8];
        frame.extend(height.to_be_bytes());
        frame.extend(self.width.to_be_bytes());
        frame.push(self.sampling.len() as u8);
        for (component, (across, down)) in (1..).zip(&self.sampling) {
            frame.extend([component, across << 4 | down, 0]);
        }
        segment(&mut out, 0xC1, &frame);
        if self.restart_interval > 0 {
            segment(&mut out, 0xDD, &self.restart_interval.to_be_bytes());
        }
        let (dc_counts, dc_symbols) = self.dc_table();
        let (ac_counts, ac_symbols) = self.ac_table();
        let table = |place: u8, counts: &[u8; 16], symbols: &[u8]| [&[place], &counts[..], symbols].concat();
        let tables = [table(0, &dc_counts, &dc_symbols), table(0x10, &ac_counts, &ac_symbols)].concat();
        for (index, scan) in self.scans.iter().enumerate() {
            if self.tables != Tables::LeftOut && (index == 0 || self.tables == Tables::DefinedForEachScan) {
                segment(&mut out, 0xC4, &tables);
            }
            let mut header = vec![scan.len() as u8];
            header.extend(scan.iter().flat_map(|&component| [component as u8 + 1, 0]));
            header.extend([0, 63, 0]);
            segment(&mut out, 0xDA, &header);
            let (dc, ac) = (codes(&dc_counts, &dc_symbols), codes(&ac_counts, &ac_symbols));
            out.extend(self.scan_data(scan, &dc, &ac));
            if index == 0 && self.height_is == Height::BehindTheFirstScan {
                segment(&mut out, 0xDC, &self.height.to_be_bytes());
            }
        }
        out.extend(vec![0xFF; self.filling]);
        out.extend([0xFF, 0xD9]);
        out
    }

    fn dc_table(&self) -> ([u8; 16], Vec<u8>) {
        if self.tables != Tables::Sparse {
            return (DC_COUNTS, (0..12).collect());
        }
        let categories = self.categories();
        let mut counts = [0; 16];
        // One code of each length, ones alone left free.
        counts[..categories.len()].fill(1);
        (counts, categories)
    }

    fn ac_table(&self) -> ([u8; 16], Vec<u8>) {
        if self.tables == Tables::LeftOut { (K5_COUNTS, K5_SYMBOLS.to_vec()) } else { (AC_COUNTS, ac_symbols()) }
    }
}

fn put(bits: &mut Bits, (code, code_bits): (u32, u32), size: u32, magnitude: u32) {
    assert!(code_bits > 0, "every symbol has a code");
    bits.put(code, code_bits);
    bits.put(magnitude, size);
}

fn put_band(bits: &mut Bits, block: &[i32; 64], ac: &Codes) {
    let mut run = 0;
    for &value in &block[1..] {
        if value == 0 {
            run += 1;
            continue;
        }
        while run > 15 {
            bits.put(ac[0xF0].0, ac[0xF0].1);
            run -= 16;
        }
        let (size, magnitude) = size_and_magnitude(value);
        put(bits, ac[run << 4 | size as usize], size, magnitude);
        run = 0;
    }
    if run > 0 {
        bits.put(ac[0].0, ac[0].1);
    }
}

/// T.81 table K.5.
const K5_COUNTS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D];
#[rustfmt::skip]
const K5_SYMBOLS: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
