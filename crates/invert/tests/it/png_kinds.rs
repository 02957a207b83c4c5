//! PNG of every kind, each judged by a decoder that is not ours.

use invert::{Effort, ErrorKind, Limits, Options, Scratch};
use png::{BitDepth, ColorType, Decoder, Transformations};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::png_generator::{Filters, Packing, Picture, SIGNATURE, Stream, chunk};
use crate::samples::{check_that_every_cut_is_broken, complaint, kind, negative};

const KINDS: [(u8, u8); 11] =
    [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)];
const SIZES: [(usize, usize); 6] = [(1, 1), (1, 9), (9, 1), (2, 3), (7, 5), (33, 9)];
const FILTERS: [Filters; 7] = [
    Filters::Only(0),
    Filters::Only(1),
    Filters::Only(2),
    Filters::Only(3),
    Filters::Only(4),
    Filters::Mixed,
    Filters::Smallest,
];
const PACKINGS: [Packing; 5] = [Packing::Stored, Packing::Fixed, Packing::Literals, Packing::Zlib(6), Packing::Flushed];
const SMALL: Picture = Picture { width: 33, height: 9, colour: 2, depth: 8, interlaced: false };

/// What another decoder makes of a file.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    colour: ColorType,
    depth: BitDepth,
    /// Of one row.
    bits: usize,
    /// Rows as they are packed, with the filling of their last bytes cleared.
    bytes: Vec<u8>,
}

impl Rows {
    fn of(file: &[u8]) -> Self {
        let mut decoder = Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a small picture")];
        reader.next_frame(&mut bytes).expect("whole pixel data");
        reader.finish().expect("a whole PNG");
        let (colour, depth) = reader.output_color_type();
        let bits = reader.info().width as usize * colour.samples() * depth as usize;
        for last in bytes.chunks_mut(bits.div_ceil(8)).filter_map(<[u8]>::last_mut) {
            *last &= u8::MAX << (bits.next_multiple_of(8) - bits);
        }
        Self { colour, depth, bits, bytes }
    }

    fn negative(&self) -> Self {
        let sample_bytes = (self.depth as usize).div_ceil(8);
        let pixel_bytes = sample_bytes * self.colour.samples();
        let alpha_bytes = match self.colour {
            ColorType::GrayscaleAlpha | ColorType::Rgba => sample_bytes,
            ColorType::Grayscale | ColorType::Rgb | ColorType::Indexed => 0,
        };
        let is_alpha = |at: usize| at % pixel_bytes >= pixel_bytes - alpha_bytes;
        let flip = |(at, byte): (usize, &u8)| match self.bits - 8 * at {
            _ if is_alpha(at) => *byte,
            bits @ 0..8 => byte ^ !(u8::MAX >> bits),
            _ => !byte,
        };
        let rows = self.bytes.chunks(self.bits.div_ceil(8));
        let bytes = rows.flat_map(|row| row.iter().enumerate().map(flip)).collect();
        Self { bytes, ..*self }
    }
}

/// The negative has the opposite of every sample but alpha, and its negative is
/// the picture again.
fn check(file: &[u8]) -> Vec<u8> {
    let (before, after) = (Rows::of(file), negative(file));
    assert!(Rows::of(&after) == before.negative(), "not the negative");
    assert!(Rows::of(&negative(&after)) == before, "twice is not the same");
    after
}

#[test]
fn every_colour_depth_size_filter_and_packing_is_exact() {
    for (colour, depth) in KINDS {
        for (width, height) in SIZES {
            for interlaced in [false, true] {
                let picture = Picture { width, height, colour, depth, interlaced };
                for filters in FILTERS {
                    let raw = picture.filtered(filters);
                    let packings = if let Filters::Smallest = filters { &PACKINGS[..] } else { &[Packing::Zlib(6)] };
                    for packing in packings {
                        check(&picture.file(&packing.pack(&raw)));
                    }
                }
            }
        }
    }
}

/// Windows slide, blocks are split, neighbours are kept over many rows.
#[test]
fn large_pictures_are_exact_and_hardly_longer() {
    for (colour, depth, interlaced) in [(0, 8, false), (2, 8, false), (2, 8, true), (6, 8, false), (6, 16, false)] {
        let picture = Picture { width: 400, height: 300, colour, depth, interlaced };
        for filters in FILTERS {
            let raw = picture.filtered(filters);
            for level in [1, 9] {
                let file = picture.file(&Packing::Zlib(level).pack(&raw));
                // Copies that shift alpha onto a colour are lost, and many of those that the noise makes do.
                let has_average = matches!(filters, Filters::Only(3) | Filters::Mixed | Filters::Smallest);
                let percent = if colour == 6 {
                    120
                } else if has_average {
                    115
                } else {
                    105
                };
                let (before, after) = (file.len(), check(&file).len());
                assert!(after * 100 <= before * percent, "{picture:?} {filters:?} {level}: {before}, {after}");
            }
        }
    }
}

/// Long copies, some of which begin at the left edge, where bytes change in
/// another way.
#[test]
fn a_chessboard_hardly_grows() {
    let picture = Picture { width: 200, height: 200, colour: 2, depth: 8, interlaced: false };
    let mut raw = Vec::new();
    for row in 0..200 {
        let is_edge = row % 25 == 0;
        // Sub along the edge of a square, Up within it.
        raw.push(if is_edge { 1 } else { 2 });
        let colour = |column: usize| if (column / 25 + row / 25).is_multiple_of(2) { 0xFF } else { 0_u8 };
        for column in 0..200 {
            let left = if column == 0 { 0 } else { colour(column - 1) };
            raw.extend([if is_edge { colour(column).wrapping_sub(left) } else { 0 }; 3]);
        }
    }
    let file = picture.file(&Packing::Zlib(9).pack(&raw));
    let after = check(&file);
    assert!(after.len() <= file.len() + file.len() / 10, "{} bytes became {}", file.len(), after.len());
}

/// The samples above it are looked up in the window, and in rows that have left
/// it.
#[test]
fn a_late_average_row_is_exact() {
    for (colour, depth) in [(0, 8), (2, 8), (6, 8), (2, 16)] {
        let picture = Picture { width: 500, height: 700, colour, depth, interlaced: false };
        let [sub, up, paeth, average] = [1, 2, 4, 3].map(|filter| picture.filtered(Filters::Only(filter)));
        let row_bytes = average.len() / picture.height;
        for (early, first) in [(&up, 699), (&paeth, 2), (&paeth, 650)] {
            let border = first * row_bytes;
            let mut raw = [&early[..border], &average[border..]].concat();
            check(&picture.file(&Packing::Zlib(6).pack(&raw)));
            // The row before tells its own samples.
            let before = border - row_bytes..border;
            raw[before.clone()].copy_from_slice(&sub[before]);
            check(&picture.file(&Packing::Zlib(6).pack(&raw)));
        }
    }
}

#[test]
fn the_longest_and_the_farthest_copies_are_kept() {
    let picture = Picture { width: 33_000, height: 3, colour: 0, depth: 8, interlaced: false };
    let mut raw: Vec<u8> = Vec::new();
    let mut stream = Stream::default();
    stream.begin(true);
    for at in 0..picture.height * (picture.width + 1) {
        raw.push(if at % (picture.width + 1) == 0 { 1 } else { (at * at % 251) as u8 });
    }
    let (row, rest) = (picture.width + 1, 33_001 - 32_768);
    raw.copy_within(row + 1 - 32_768..row + 1 - 32_768 + 258, row + 1);
    raw[2 * row + 1..2 * row + 259].fill(7);
    raw[..=row].iter().for_each(|&byte| stream.literal(byte));
    stream.copy(258, 32_768);
    raw[row + 259..2 * row + 2].iter().for_each(|&byte| stream.literal(byte));
    stream.copy(257, 1);
    raw[2 * row + 259..].iter().for_each(|&byte| stream.literal(byte));
    stream.end();
    assert!(rest > 0);
    check(&picture.file(&stream.finish(&raw)));
}

#[test]
fn pixel_data_may_be_cut_into_any_chunks() {
    let stream = Packing::Zlib(6).pack(&SMALL.filtered(Filters::Smallest));
    let whole = negative(&SMALL.file(&stream));
    for bytes in [1, 2, 5, 100] {
        let data: Vec<u8> =
            stream.chunks(bytes).flat_map(|part| [chunk(b"IDAT", part), chunk(b"IDAT", &[])]).flatten().collect();
        let empty = chunk(b"IDAT", &[]);
        let file = [SIGNATURE, &SMALL.header(), &empty, &data, &chunk(b"IEND", &[])].concat();
        assert_eq!(negative(&file), whole, "{bytes}");
    }
}

#[test]
fn every_cut_of_an_interlaced_picture_is_broken() {
    let picture = Picture { interlaced: true, ..SMALL };
    check_that_every_cut_is_broken(&picture.file(&Packing::Fixed.pack(&picture.filtered(Filters::Mixed))));
}

#[test]
fn every_cut_of_the_pixel_data_is_broken() {
    for packing in PACKINGS {
        let stream = packing.pack(&SMALL.filtered(Filters::Smallest));
        for bytes in 0..stream.len() {
            assert_eq!(kind(&SMALL.file(&stream[..bytes])), Some(ErrorKind::Broken), "{packing:?}: {bytes}");
        }
    }
}

#[test]
fn pixel_data_that_contradicts_the_header_is_broken() {
    let raw = SMALL.filtered(Filters::Only(2));
    let file = |raw: &[u8]| SMALL.file(&Packing::Zlib(6).pack(raw));
    let fault =
        |raw: &[u8]| complaint(&file(raw)).split_once(": ").map(|(_, fault)| fault.to_owned()).expect("a fault");
    assert_eq!(fault(&raw[..raw.len() - 1]), "less pixel data than the header tells");
    assert_eq!(fault(&[&raw[..], &[0]].concat()), "more pixel data than the header tells");
    assert_eq!(fault(&[&[5], &raw[1..]].concat()), "a filter that does not exist");
    let mut stream = Packing::Zlib(6).pack(&raw);
    *stream.last_mut().unwrap() ^= 1;
    assert!(complaint(&SMALL.file(&stream)).contains("checksum"));
}

#[test]
fn what_went_before_changes_nothing() {
    let mut scratch = Scratch::default();
    for effort in [Effort::Fast, Effort::Small] {
        for (filters, interlaced) in FILTERS.into_iter().flat_map(|filters| [(filters, true), (filters, false)]) {
            let picture = Picture { width: 200, height: 150, interlaced, ..SMALL };
            let stream = Packing::Zlib(9).pack(&picture.filtered(filters));
            let options = Options { effort, ..Options::default() };
            let (mut used, mut fresh) = (Vec::new(), Vec::new());
            invert::invert_into(&picture.file(&stream), &options, &mut scratch, &mut used).unwrap();
            invert::invert_into(&picture.file(&stream), &options, &mut Scratch::default(), &mut fresh).unwrap();
            assert!(used == fresh, "{effort:?} {filters:?} {interlaced}");
            let cut = picture.file(&stream[..stream.len() / 2]);
            invert::invert_into(&cut, &options, &mut scratch, &mut used).unwrap_err();
        }
    }
}

#[test]
fn more_effort_makes_smaller_files() {
    let picture = Picture { width: 400, height: 300, colour: 6, depth: 16, ..SMALL };
    let file = picture.file(&Packing::Zlib(9).pack(&picture.filtered(Filters::Only(3))));
    let [fast, small] = [Effort::Fast, Effort::Small].map(|effort| {
        let mut out = Vec::new();
        let options = Options { effort, ..Options::default() };
        invert::invert_into(&file, &options, &mut Scratch::default(), &mut out).unwrap();
        assert!(Rows::of(&out) == Rows::of(&file).negative());
        out.len()
    });
    assert!(small < fast, "{small}, {fast}");
    assert!(small * 100 <= file.len() * 110, "{small}, {}", file.len());
}

#[test]
fn more_effort_never_makes_a_larger_file() {
    for (filters, colour, depth) in
        FILTERS.into_iter().flat_map(|filters| [(filters, 0, 8), (filters, 6, 8), (filters, 2, 16)])
    {
        for packing in [Packing::Zlib(1), Packing::Zlib(9)] {
            let picture = Picture { width: 200, height: 150, colour, depth, ..SMALL };
            let file = picture.file(&packing.pack(&picture.filtered(filters)));
            let [fast, small] = [Effort::Fast, Effort::Small].map(|effort| {
                let mut out = Vec::new();
                let options = Options { effort, ..Options::default() };
                invert::invert_into(&file, &options, &mut Scratch::default(), &mut out).unwrap();
                assert!(Rows::of(&out) == Rows::of(&file).negative());
                out.len()
            });
            assert!(small <= fast, "{filters:?} {colour} {depth} {packing:?}: {small}, {fast}");
        }
    }
}

/// libpng warns of them and goes on.
#[test]
fn bytes_behind_the_stream_are_left_out() {
    let stream = Packing::Zlib(6).pack(&SMALL.filtered(Filters::Only(2)));
    assert_eq!(negative(&SMALL.file(&[&stream[..], b"more"].concat())), negative(&SMALL.file(&stream)));
}

/// A row, or none: a filter, then either a literal or a copy for each step.
#[derive(Debug, Clone)]
enum Step {
    Literal(u8),
    Copy(usize, usize),
    Block,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Literal),
        3 => (3..=258_usize, 1..5000_usize).prop_map(|(length, distance)| Step::Copy(length, distance)),
        3 => (3..=9_usize, 1..40_usize).prop_map(|(length, distance)| Step::Copy(length, distance)),
        1 => Just(Step::Block),
    ]
}

/// The stream of these steps, and what it unpacks to: at the beginning of a row
/// only filters, whatever a copy would put there.
fn compose(steps: &[Step], filters: &[u8], row_bytes: usize) -> (Stream, Vec<u8>) {
    let (mut stream, mut raw) = (Stream::default(), Vec::new());
    stream.begin(false);
    let mut filters = filters.iter().cycle();
    for step in steps {
        let mut put = |raw: &mut Vec<u8>, byte: u8, stream: &mut Stream| {
            while raw.len().is_multiple_of(row_bytes + 1) {
                let filter = *filters.next().expect("it cycles");
                stream.literal(filter);
                raw.push(filter);
            }
            stream.literal(byte);
            raw.push(byte);
        };
        match *step {
            Step::Literal(byte) => put(&mut raw, byte, &mut stream),
            Step::Block => {
                stream.end();
                stream.begin(false);
            }
            Step::Copy(length, distance) => {
                let start = raw.len();
                let row_left = (row_bytes + 1) - start % (row_bytes + 1);
                let length = length.min(row_left);
                if start.is_multiple_of(row_bytes + 1) || length < 3 || distance > start {
                    put(&mut raw, length as u8, &mut stream);
                } else {
                    stream.copy(length, distance);
                    (start..start + length).for_each(|at| raw.push(raw[at - distance]));
                }
            }
        }
    }
    let filter = *filters.next().expect("it cycles");
    while raw.is_empty() || !raw.len().is_multiple_of(row_bytes + 1) {
        let byte = if raw.is_empty() { filter } else { 1 };
        stream.literal(byte);
        raw.push(byte);
    }
    stream.end();
    stream.begin(true);
    stream.end();
    (stream, raw)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_tokens_and_filters_are_exact(
        (colour, depth) in prop::sample::select(KINDS.to_vec()),
        width in 1..90_usize,
        filters in vec(0..5_u8, 1..9),
        steps in vec(step(), 0..300),
    ) {
        let channels = [1, 0, 3, 0, 2, 0, 4][usize::from(colour)];
        let row_bytes = (width * channels * usize::from(depth)).div_ceil(8);
        let (stream, raw) = compose(&steps, &filters, row_bytes);
        let picture = Picture { width, height: raw.len() / (row_bytes + 1), colour, depth, interlaced: false };
        check(&picture.file(&stream.finish(&raw)));
    }

    #[test]
    fn damaged_pixel_data_is_survived(
        which in prop::sample::select(PACKINGS.to_vec()),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut stream = which.pack(&SMALL.filtered(Filters::Smallest));
        for (place, byte) in changes {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        let limits = Limits { pixels_max: 1 << 10, ..Limits::default() };
        if let Ok(after) = invert::invert(&SMALL.file(&stream), &limits) {
            Rows::of(&after.bytes);
        }
    }
}
