//! How well a lossy picture was kept, from the header of its key frame.

/// How much finer the negative is quantised than the mean of the segments.
/// Measured on four photographs at qualities from 30 to 95: the quality is found to
/// a few points, and files have 0.94 to 1.0 times the size of the original.
const FINER: f32 = 0.85;

/// The quality that makes libwebp choose about the quantisers of a VP8 key
/// frame.
///
/// libwebp turns a quality into a compression c (`QualityToCompression`: the
/// cube root of a curve in two lines) and that into an index of 127·(1-c);
/// this is the way back.
pub(super) fn estimate(key_frame: &[u8]) -> f32 {
    // In the middle, for a header that ends early; its pixels were decoded, so that it cannot.
    let index = FINER * quantiser(key_frame).unwrap_or(40.0);
    let curve = (1.0 - index / 127.0).clamp(0.0, 1.0).powi(3);
    let quality = if curve < 0.5 { curve * 1.5 } else { (curve + 1.0) / 2.0 };
    quality * 100.0
}

/// The quantiser index, 0 to 127, or the mean of those of the segments
/// (RFC 6386 §9.2 to §9.6).
fn quantiser(key_frame: &[u8]) -> Option<f32> {
    // Frame tag, start code and sizes come before the first partition.
    let mut bits = Bits::new(key_frame.get(10..)?);
    let _colour_space_and_clamping = bits.literal(2);
    let segments = if bits.flag() { bits.segments() } else { None };
    let _filter_type_level_and_sharpness = bits.literal(1 + 6 + 3);
    if bits.flag() && bits.flag() {
        for _ in 0..8 {
            bits.optional(6);
        }
    }
    let _partitions = bits.literal(2);
    let base = bits.literal(7) as f32;
    let index = match segments {
        None => base,
        Some(Segments { mean, is_absolute: true }) => mean,
        Some(Segments { mean, is_absolute: false }) => base + mean,
    };
    Some(index.clamp(0.0, 127.0))
}

struct Segments {
    mean: f32,
    is_absolute: bool,
}

/// The boolean decoder (RFC 6386 §7), for headers: all their bits are as
/// likely 0 as 1. Behind the end there are zeros.
struct Bits<'a> {
    data: &'a [u8],
    value: u32,
    range: u32,
    shifted: u32,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut bits = Self { data, value: 0, range: 255, shifted: 0 };
        bits.value = bits.byte() << 8 | bits.byte();
        bits
    }

    fn byte(&mut self) -> u32 {
        let Some((&byte, rest)) = self.data.split_first() else { return 0 };
        self.data = rest;
        byte.into()
    }

    fn bit(&mut self, probability: u32) -> bool {
        let split = 1 + (((self.range - 1) * probability) >> 8);
        let is_set = self.value >= split << 8;
        if is_set {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.shifted += 1;
            if self.shifted == 8 {
                self.shifted = 0;
                self.value |= self.byte();
            }
        }
        is_set
    }

    fn flag(&mut self) -> bool {
        self.bit(128)
    }

    fn literal(&mut self, bits: u32) -> u32 {
        (0..bits).fold(0, |number, _| number << 1 | u32::from(self.flag()))
    }

    /// A flag, and behind it a number with its sign.
    fn optional(&mut self, bits: u32) -> Option<i32> {
        if !self.flag() {
            return None;
        }
        let number = self.literal(bits).cast_signed();
        Some(if self.flag() { -number } else { number })
    }

    /// §9.3: how segments differ from the whole.
    fn segments(&mut self) -> Option<Segments> {
        let (has_map, has_values) = (self.flag(), self.flag());
        let mut segments = None;
        if has_values {
            let is_absolute = self.flag();
            let sum: i32 = (0..4).map(|_| self.optional(7).unwrap_or(0)).sum();
            for _ in 0..4 {
                self.optional(6);
            }
            segments = Some(Segments { mean: sum as f32 / 4.0, is_absolute });
        }
        if has_map {
            for _ in 0..3 {
                if self.flag() {
                    self.literal(8);
                }
            }
        }
        segments
    }
}
