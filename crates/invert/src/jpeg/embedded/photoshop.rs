//! Photoshop's image resources: a stream of blocks in one or more APP13
//! segments, one of which may be a thumbnail (Adobe Photoshop File Formats
//! Specification, "Image Resources Section").

use crate::flip;
use crate::nested::Invert;

pub(super) const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Identifiers of thumbnails; those of Photoshop 4 have red and blue exchanged.
const THUMBNAILS: [u16; 2] = [0x040C, 0x0409];
/// What a thumbnail has in front of its samples.
const HEADER_BYTES: usize = 28;

/// One block.
struct Resource<'a> {
    id: u16,
    /// Signature, identifier and name.
    head: &'a [u8],
    data: &'a [u8],
}

/// Why there is no further block.
enum End {
    /// The rest of it may be in the next segment.
    CutShort,
    /// This is no block.
    Unknown,
}

/// Makes the thumbnails negative in the resources of segments that follow each
/// other, each without [`PHOTOSHOP`].
///
/// A thumbnail that cannot be inverted goes. Of blocks that are spread over
/// segments the last one takes the difference in length.
pub(super) fn invert_all(segments: &[&[u8]], bytes_max: usize, invert: &mut Invert<'_>) -> Vec<Vec<u8>> {
    let mut inverted = Vec::new();
    let mut rest = segments;
    while !rest.is_empty() {
        let (group, others) = rest.split_at(group_segments(rest));
        let resources = group.concat();
        let mut pieces = split(&invert_resources(&resources, invert), group);
        if pieces.iter().any(|piece| piece.len() > bytes_max) {
            pieces = split(&invert_resources(&resources, &mut |_| None), group);
        }
        inverted.append(&mut pieces);
        rest = others;
    }
    inverted
}

/// How many segments it takes to end with the end of a block.
fn group_segments(segments: &[&[u8]]) -> usize {
    let mut stream = Vec::new();
    let mut position = 0;
    for (index, segment) in segments.iter().enumerate() {
        stream.extend_from_slice(segment);
        loop {
            match read(&stream[position..]) {
                Ok((_, rest)) => position = stream.len() - rest.len(),
                Err(End::CutShort) if position < stream.len() => break,
                Err(End::CutShort | End::Unknown) => return index + 1,
            }
        }
    }
    segments.len()
}

/// Cuts resources into as many segments as they were, the last one longer or
/// shorter.
fn split(mut resources: &[u8], group: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for segment in &group[..group.len() - 1] {
        let (piece, rest) = resources.split_at(segment.len().min(resources.len()));
        pieces.push(piece.to_vec());
        resources = rest;
    }
    pieces.push(resources.to_vec());
    pieces
}

fn invert_resources(mut resources: &[u8], invert: &mut Invert<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(resources.len());
    while let Ok((resource, rest)) = read(resources) {
        let whole = &resources[..resources.len() - rest.len()];
        resources = rest;
        if !THUMBNAILS.contains(&resource.id) {
            out.extend_from_slice(whole);
        } else if let Some(data) = invert_thumbnail(resource.data, invert) {
            out.extend_from_slice(resource.head);
            let data_bytes = u32::try_from(data.len()).expect("a thumbnail is hardly longer than its segments");
            out.extend_from_slice(&data_bytes.to_be_bytes());
            out.extend_from_slice(&data);
            if !data.len().is_multiple_of(2) {
                out.push(0);
            }
        }
    }
    out.extend_from_slice(resources);
    out
}

fn invert_thumbnail(data: &[u8], invert: &mut Invert<'_>) -> Option<Vec<u8>> {
    let (header, thumbnail) = data.split_first_chunk::<HEADER_BYTES>()?;
    let mut header = *header;
    let thumbnail = match header[..4] {
        // Samples as they are.
        [0, 0, 0, 0] => {
            let mut samples = thumbnail.to_vec();
            flip(&mut samples);
            samples
        }
        [0, 0, 0, 1] => {
            let negative = invert(thumbnail)?;
            header[20..24].copy_from_slice(&u32::try_from(negative.len()).ok()?.to_be_bytes());
            negative
        }
        _ => return None,
    };
    Some([&header[..], &thumbnail].concat())
}

/// Splits the first block off.
fn read(resources: &[u8]) -> Result<(Resource<'_>, &[u8]), End> {
    let Some((&[a, b, c, d, id_high, id_low, name_bytes], _)) = resources.split_first_chunk() else {
        return Err(End::CutShort);
    };
    if [a, b, c, d] != *b"8BIM" {
        return Err(End::Unknown);
    }
    // The name's length and the name take an even number of bytes; so do the data.
    let head_bytes = 6 + (1 + usize::from(name_bytes)).next_multiple_of(2);
    let (head, rest) = resources.split_at_checked(head_bytes).ok_or(End::CutShort)?;
    let (data_bytes, rest) = rest.split_first_chunk().ok_or(End::CutShort)?;
    let data_bytes = u32::from_be_bytes(*data_bytes) as usize;
    let (data, rest) = rest.split_at_checked(data_bytes).ok_or(End::CutShort)?;
    // Some writers leave the padding of the very last one out.
    let rest = if data_bytes.is_multiple_of(2) { rest } else { rest.get(1..).unwrap_or_default() };
    Ok((Resource { id: u16::from_be_bytes([id_high, id_low]), head, data }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(id: u16, data: &[u8]) -> Vec<u8> {
        let mut resource = b"8BIM".to_vec();
        resource.extend_from_slice(&id.to_be_bytes());
        resource.extend_from_slice(b"\x02hi\0");
        resource.extend_from_slice(&(data.len() as u32).to_be_bytes());
        resource.extend_from_slice(data);
        resource.resize(resource.len().next_multiple_of(2), 0);
        resource
    }

    fn thumbnail(format: u8, samples: &[u8]) -> Vec<u8> {
        let mut data = [0; HEADER_BYTES];
        data[3] = format;
        if format == 1 {
            data[23] = samples.len() as u8;
        }
        [&data[..], samples].concat()
    }

    fn check(segments: &[&[u8]], bytes_max: usize, negative: Option<&[u8]>, expected: &[&[u8]]) {
        let found = invert_all(segments, bytes_max, &mut |jpeg| {
            assert_eq!(jpeg, b"thumb");
            negative.map(<[u8]>::to_vec)
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn thumbnails_become_negative_and_other_blocks_stay() {
        let iptc = resource(0x0404, b"caption");
        for id in THUMBNAILS {
            let file = |samples: &[u8]| [&iptc[..], &resource(id, &thumbnail(1, samples)), &iptc].concat();
            for negative in [b"THUMB".as_slice(), b"THUMBS", b"TH"] {
                check(&[&file(b"thumb")], 200, Some(negative), &[&file(negative)]);
            }
            check(&[&file(b"thumb")], 200, None, &[&[&iptc[..], &iptc].concat()]);
        }
    }

    #[test]
    fn samples_as_they_are_are_flipped() {
        let file = |samples: &[u8]| resource(0x040C, &thumbnail(0, samples));
        check(&[&file(&[0, 1, 2, 3])], 200, None, &[&file(&[255, 254, 253, 252])]);
    }

    #[test]
    fn blocks_over_several_segments_are_put_together() {
        let file = |samples: &[u8]| [resource(0x0404, b"caption"), resource(0x040C, &thumbnail(1, samples))].concat();
        let (before, after) = (file(b"thumb"), file(b"THUMBSHOT"));
        let segments = |file: &'static [u8]| [&file[..10], &file[10..40], &file[40..]];
        let (before, after) = (segments(before.leak()), segments(after.leak()));
        check(&before, 200, Some(b"THUMBSHOT"), &after);
        // What is left without its thumbnail is 22 bytes.
        let short = after[2].len() - 1;
        check(&before, short, Some(b"THUMBSHOT"), &[before[0], &before[1][..12], b""]);
    }

    #[test]
    fn segments_that_end_with_a_block_are_apart() {
        let first = resource(0x0404, b"caption");
        let second = |samples: &[u8]| resource(0x040C, &thumbnail(1, samples));
        check(&[&first, &second(b"thumb"), &first], 200, Some(b"THUMBSHOT"), &[&first, &second(b"THUMBSHOT"), &first]);
    }

    #[test]
    fn what_cannot_be_followed_is_left_alone() {
        let unknown = [&resource(0x0404, b"caption")[..], b"AgHg\x04\x0C and so on"].concat();
        let cut = &resource(0x0404, b"caption")[..18];
        for segments in [&[b"".as_slice(), b"8BIM"], &[&unknown, b"more"], &[cut, b""]] {
            check(segments, 200, None, segments);
        }
        check(&[&resource(0x040C, &[0; 27])], 200, None, &[b""]);
    }
}
