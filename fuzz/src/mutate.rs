//! Changes that keep a file a file.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::container::Container;

/// More pixel data than this is not taken apart.
const RAW_MAX_BYTES: usize = 1 << 18;

/// Changes the first `size` bytes of `data` into at most `max_size`, and
/// returns how many they are. `change` is what changes bytes that have no
/// structure: it has the same parameters.
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    change: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    let file = data[..size].to_vec();
    let mut dice = Dice(seed.into());
    let Some(container) = Container::of(&file).filter(|_| dice.roll(16) > 0) else {
        return change(data, size, max_size);
    };
    let head = &file[..container.head_bytes(&file)];
    let mut pieces = container.split(&file);
    if pieces.is_empty() || dice.roll(16) == 0 {
        return change(data, size, max_size);
    }
    let at = dice.roll(pieces.len());
    match dice.roll(8) {
        0 => {
            let other = dice.roll(pieces.len() + 1);
            pieces.insert(other, pieces[at].clone());
        }
        1 => {
            pieces.remove(at);
        }
        2 => {
            let other = dice.roll(pieces.len());
            pieces.swap(at, other);
        }
        3 | 4 if container == Container::Png => change_samples(&mut pieces, &mut dice, change),
        3 => change_type(container, &mut pieces, &mut dice),
        _ => change_content(container, &mut pieces[at], max_size, change),
    }
    let changed = container.join(head, &pieces);
    if changed.len() > max_size || changed == file {
        return change(data, size, max_size);
    }
    data[..changed.len()].copy_from_slice(&changed);
    changed.len()
}

/// SplitMix64: numbers that look random, the same for the same seed.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 33;
        usize::try_from(mixed).unwrap_or(0) % sides
    }
}

/// Another content for a piece, with the right length and checksum.
fn change_content(
    container: Container,
    piece: &mut Vec<u8>,
    max_size: usize,
    change: fn(&mut [u8], usize, usize) -> usize,
) {
    let content = container.content(piece);
    if content.is_empty() {
        return;
    }
    let tail = piece.split_off(content.end);
    let mut bytes = piece.split_off(content.start);
    let size = bytes.len();
    // Sub-blocks have lengths of their own: they only change in place.
    let room = if container == Container::Gif { size } else { size + 64 }.min(max_size.max(size));
    bytes.resize(room, 0);
    let size = change(&mut bytes, size, room);
    bytes.truncate(size);
    piece.extend(bytes);
    piece.extend(tail);
    container.close(piece);
}

/// Another type for a JPEG or WebP piece, so that tables, frames and metadata
/// take each other's place.
fn change_type(container: Container, pieces: &mut [Vec<u8>], dice: &mut Dice) {
    let (from, to) = (dice.roll(pieces.len()), dice.roll(pieces.len()));
    let range = match container {
        Container::Jpeg => 0..2,
        Container::WebP => 0..4,
        Container::Png | Container::Gif => return,
    };
    if let (Some(name), true) = (pieces[from].get(range.clone()).map(<[u8]>::to_vec), pieces[to].len() >= range.end) {
        pieces[to][range].copy_from_slice(&name);
    }
}

/// Other filtered bytes in a PNG: all its pixel data is inflated, changed and
/// deflated again, into one to three chunks.
fn change_samples(pieces: &mut Vec<Vec<u8>>, dice: &mut Dice, change: fn(&mut [u8], usize, usize) -> usize) {
    let is_data = |piece: &Vec<u8>| piece.len() >= 12 && &piece[4..8] == b"IDAT";
    let Some(first) = pieces.iter().position(is_data) else { return };
    let stream: Vec<u8> = pieces
        .iter()
        .filter(|piece| is_data(piece))
        .flat_map(|piece| piece[8..piece.len() - 4].iter().copied())
        .collect();
    let Ok(mut raw) = decompress_to_vec_zlib_with_limit(&stream, RAW_MAX_BYTES) else { return };
    if raw.is_empty() {
        return;
    }
    let size = raw.len();
    let changed = change(&mut raw, size, size);
    // The size of the picture stays, in most cases.
    raw.truncate(if dice.roll(8) == 0 { changed } else { size });
    let level = u8::try_from(dice.roll(10)).unwrap_or(0);
    let stream = compress_to_vec_zlib(&raw, level);
    let parts = 1 + dice.roll(3);
    pieces.retain(|piece| !is_data(piece));
    let chunks = stream.chunks(stream.len().div_ceil(parts)).map(|part| {
        let mut piece = [&[0; 4], b"IDAT".as_slice(), part, &[0; 4]].concat();
        Container::Png.close(&mut piece);
        piece
    });
    pieces.splice(first..first, chunks);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of one pixel.
    fn png() -> Vec<u8> {
        let chunk = |name: &[u8; 4], data: &[u8]| {
            let mut piece = [&[0; 4], name.as_slice(), data, &[0; 4]].concat();
            Container::Png.close(&mut piece);
            piece
        };
        let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
        let pieces = [chunk(b"IHDR", &header), chunk(b"IDAT", &compress_to_vec_zlib(&[0, 7], 6)), chunk(b"IEND", &[])];
        [b"\x89PNG\r\n\x1A\n", pieces.concat().as_slice()].concat()
    }

    fn add_one(data: &mut [u8], size: usize, _: usize) -> usize {
        data[size - 1] = data[size - 1].wrapping_add(1);
        size
    }

    #[test]
    fn the_same_seed_makes_the_same_change() {
        let file = png();
        for seed in 0..200 {
            let [one, other] = [(); 2].map(|()| {
                let mut data = file.clone();
                data.resize(1000, 0);
                let size = mutate(&mut data, file.len(), 1000, seed, add_one);
                data.truncate(size);
                data
            });
            assert_eq!(one, other);
            assert_ne!(one, file, "seed {seed}");
        }
    }

    #[test]
    fn other_pixels_are_still_a_picture() {
        let is_picture = |seed: &u32| {
            let mut data = png();
            let size = data.len();
            data.resize(1000, 0);
            let size = mutate(&mut data, size, 1000, *seed, add_one);
            invert::invert(&data[..size], &invert::Limits::default()).is_ok()
        };
        assert!((0..200).filter(is_picture).count() > 50);
    }
}
