//! What in XMP concerns a negative: pictures in base64, and announcements of
//! what follows the picture.
//!
//! A packet is searched, not parsed: a property is `prefix:name` as an element
//! or as an attribute, with the prefix that the packet declares for a
//! namespace. It is taken away by spaces in its place, so that the packet stays
//! as long as it is and well-formed.

use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::{memchr, memmem};

use crate::nested::Invert;

pub(super) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// What is too long for one segment (XMP specification, part 3, §1.1.3.1): its
/// digest, its length and a position are before each part.
pub(super) const EXTENDED: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
pub(super) const EXTENDED_HEADER_BYTES: usize = EXTENDED.len() + 32 + 4 + 4;

/// The namespace of gain maps.
pub(super) const GAIN_MAP: &[u8] = b"http://ns.adobe.com/hdr-gain-map/1.0/";
const CAMERA: &[u8] = b"http://ns.google.com/photos/1.0/camera/";
const CONTAINERS: [&[u8]; 2] =
    [b"http://ns.google.com/photos/1.0/container/", b"http://ns.google.com/photos/dd/1.0/container/"];
const NOTE: &[u8] = b"http://ns.adobe.com/xmp/note/";

/// Properties that are a JPEG: thumbnails, and the picture before its
/// background was blurred.
const PICTURES: [(&[u8], &[u8]); 2] =
    [(b"http://ns.adobe.com/xap/1.0/g/img/", b"image"), (b"http://ns.google.com/photos/1.0/image/", b"Data")];

/// Properties that say that there is a film. The first two say whether, by 0 or
/// 1 (Google, "Motion Photo format 1.0").
const FILMS: [&[u8]; 6] = [
    b"MotionPhoto",
    b"MicroVideo",
    b"MotionPhotoVersion",
    b"MotionPhotoPresentationTimestampUs",
    b"MicroVideoVersion",
    b"MicroVideoOffset",
];

/// Prefixes for one namespace. Chosen: nobody needs two.
const PREFIXES_MAX: usize = 4;

/// What a packet says about the bytes behind the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Announced {
    /// There are films, gain maps, or distances.
    pub(super) parts: bool,
    /// One of them is a gain map.
    pub(super) gain_map: bool,
}

/// Where a property is in a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Property {
    whole: Range<usize>,
    value: Range<usize>,
}

/// Takes away what `packet` says about the bytes behind the picture.
pub(super) fn take_announcements(packet: &mut [u8]) -> Announced {
    let mut announced = Announced::default();
    for namespace in CONTAINERS {
        for directory in properties(packet, namespace, b"Directory") {
            announced.parts = true;
            announced.gain_map |= memmem::find(&packet[directory.value], b"GainMap").is_some();
            packet[directory.whole].fill(b' ');
        }
    }
    for version in properties(packet, GAIN_MAP, b"Version") {
        announced.gain_map = true;
        packet[version.whole].fill(b' ');
    }
    for (index, name) in FILMS.into_iter().enumerate() {
        for property in properties(packet, CAMERA, name) {
            announced.parts |= index < 2 && packet[property.value].trim_ascii() != b"0";
            packet[property.whole].fill(b' ');
        }
    }
    announced
}

/// Takes away the word that there is extended XMP.
pub(super) fn take_extension(packet: &mut [u8]) {
    for property in properties(packet, NOTE, b"HasExtendedXMP") {
        packet[property.whole].fill(b' ');
    }
}

/// Whether there may be a picture in extended XMP.
pub(super) fn has_pictures(extended: &[u8]) -> bool {
    PICTURES.iter().any(|(namespace, _)| memmem::find(extended, namespace).is_some())
}

/// Makes the pictures in `packet` negative; takes away those that cannot be, or
/// for which there is no room in `bytes_max`.
pub(super) fn invert_pictures(packet: &mut Vec<u8>, bytes_max: usize, invert: &mut Invert<'_>) {
    for (namespace, name) in PICTURES {
        // From the last to the first, so that the places of the others hold.
        for Property { whole, value } in properties(packet, namespace, name).into_iter().rev() {
            let base64 = invert_base64(&packet[value.clone()], invert);
            let room = bytes_max.saturating_sub(packet.len() - value.len());
            match base64.filter(|base64| base64.len() <= room) {
                Some(base64) => drop(packet.splice(value, base64)),
                None => packet[whole].fill(b' '),
            }
        }
    }
}

/// The negative of a JPEG in base64, with line ends where the original has
/// them.
fn invert_base64(text: &[u8], invert: &mut Invert<'_>) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
    let letters: Vec<u8> = tokens(text).filter_map(Token::letter).collect();
    let negative = invert(&BASE64.decode(letters).ok()?)?;
    let base64 = BASE64.encode(negative);
    let mut letters = base64.bytes();
    let mut out = Vec::with_capacity(text.len());
    for token in tokens(text) {
        match token {
            Token::Letter(_) => out.extend(letters.next()),
            Token::Between(bytes) => out.extend_from_slice(bytes),
        }
    }
    out.extend(letters);
    Some(out)
}

#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    Letter(u8),
    /// Blanks, or a reference to one as in `&#xA;`.
    Between(&'a [u8]),
}

impl Token<'_> {
    fn letter(self) -> Option<u8> {
        match self {
            Self::Letter(letter) => Some(letter),
            Self::Between(_) => None,
        }
    }
}

fn tokens(mut text: &[u8]) -> impl Iterator<Item = Token<'_>> {
    std::iter::from_fn(move || {
        let bytes = match text {
            [] => return None,
            [b'&', ..] => memchr(b';', text).map_or(text.len(), |end| end + 1),
            _ => 1,
        };
        let token;
        (token, text) = text.split_at(bytes);
        match token {
            &[letter] if !letter.is_ascii_whitespace() => Some(Token::Letter(letter)),
            _ => Some(Token::Between(token)),
        }
    })
}

/// The properties of this name, in the order of the packet.
fn properties(packet: &[u8], namespace: &[u8], name: &[u8]) -> Vec<Property> {
    let mut found = Vec::new();
    for prefix in prefixes(packet, namespace) {
        let name = [prefix, b":", name].concat();
        let mut position = 0;
        while let Some(start) = memmem::find(&packet[position..], &name).map(|start| position + start) {
            position = start + name.len();
            let property = match start.checked_sub(1).map(|before| packet[before]) {
                Some(b'<') => element(packet, start - 1, &name),
                Some(before) if before.is_ascii_whitespace() => attribute(packet, start, &name),
                _ => continue,
            };
            match property {
                Search::Found(property) => {
                    position = property.whole.end;
                    found.push(property);
                }
                Search::Other => {}
                // Whatever begins behind it does not end either; looking again and again would take long.
                Search::Endless => break,
            }
        }
    }
    found.sort_by_key(|property| property.whole.start);
    // One inside another goes or stays with that.
    let mut end = 0;
    found.retain(|property| {
        let is_outside = end <= property.whole.start;
        end = end.max(property.whole.end);
        is_outside
    });
    found
}

enum Search {
    Found(Property),
    /// Another, longer name.
    Other,
    /// Something without an end.
    Endless,
}

/// What is declared as `xmlns:prefix="namespace"`.
fn prefixes<'a>(packet: &'a [u8], namespace: &[u8]) -> Vec<&'a [u8]> {
    let mut prefixes = Vec::new();
    for start in memmem::find_iter(packet, namespace) {
        let quote = packet.get(start + namespace.len()).filter(|quote| matches!(quote, b'"' | b'\''));
        let declared = packet[..start].split_last().filter(|&(before, _)| Some(before) == quote);
        let Some((_, declared)) = declared else { continue };
        let Some(declared) = declared.trim_ascii_end().strip_suffix(b"=") else { continue };
        let declared = declared.trim_ascii_end();
        let Some(colon) = memchr::memrchr(b':', declared) else { continue };
        let (before, prefix) = (&declared[..colon], &declared[colon + 1..]);
        let is_name =
            !prefix.is_empty() && prefix.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
        if before.ends_with(b"xmlns") && is_name && !prefixes.contains(&prefix) && prefixes.len() < PREFIXES_MAX {
            prefixes.push(prefix);
        }
    }
    prefixes
}

/// `name="value"`, from `start` on.
fn attribute(packet: &[u8], start: usize, name: &[u8]) -> Search {
    let blanks = |from: usize| packet[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let equals = start + name.len() + blanks(start + name.len());
    if packet.get(equals) != Some(&b'=') {
        return Search::Other;
    }
    let open = equals + 1 + blanks(equals + 1);
    let Some(&quote @ (b'"' | b'\'')) = packet.get(open) else { return Search::Other };
    match memchr(quote, &packet[open + 1..]) {
        Some(bytes) => Search::Found(Property { whole: start..open + bytes + 2, value: open + 1..open + 1 + bytes }),
        None => Search::Endless,
    }
}

/// `<name …>value</name>` or `<name …/>`, from `start` on.
fn element(packet: &[u8], start: usize, name: &[u8]) -> Search {
    let inside = start + 1 + name.len();
    match packet.get(inside) {
        Some(b'>' | b'/') => {}
        Some(byte) if byte.is_ascii_whitespace() => {}
        Some(_) => return Search::Other,
        None => return Search::Endless,
    }
    let Some(tag_end) = tag_end(packet, inside) else { return Search::Endless };
    if packet[tag_end - 1] == b'/' {
        return Search::Found(Property { whole: start..tag_end + 1, value: tag_end..tag_end });
    }
    let value = tag_end + 1;
    let close = memmem::find(&packet[value..], &[b"</", name].concat()).map(|bytes| value + bytes);
    let end = close.and_then(|close| Some((close, close + memchr(b'>', &packet[close..])? + 1)));
    match end {
        Some((close, end)) => Search::Found(Property { whole: start..end, value: value..close }),
        None => Search::Endless,
    }
}

/// Where the `>` is that ends a tag; one in a value does not.
fn tag_end(packet: &[u8], mut position: usize) -> Option<usize> {
    loop {
        let bytes = packet[position..].iter().position(|byte| matches!(byte, b'>' | b'"' | b'\''))?;
        position += bytes;
        match packet[position] {
            b'>' => return Some(position),
            quote => position += 2 + memchr(quote, &packet[position + 1..])?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOGLE: &str = r#"xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
        xmlns:Container='http://ns.google.com/photos/1.0/container/'
        xmlns:hdrgm = "http://ns.adobe.com/hdr-gain-map/1.0/""#;

    fn packet(declared: &str, attributes: &str, elements: &str) -> String {
        format!(
            "<x:xmpmeta><rdf:Description {declared} {attributes} a:b=\"c\">{elements}<a:d>e</a:d></rdf:Description>"
        )
    }

    fn check_announced(declared: &str, attributes: &str, elements: &str, expected: Announced) {
        let mut after = packet(declared, attributes, elements).into_bytes();
        assert_eq!(take_announcements(&mut after), expected, "{attributes} {elements}");
        let blanks = |text: &str| " ".repeat(text.len());
        let without = packet(declared, &blanks(attributes), &blanks(elements));
        assert_eq!(String::from_utf8(after).unwrap(), without);
    }

    const FILM: Announced = Announced { parts: true, gain_map: false };

    #[test]
    fn films_are_announced_unless_they_say_no() {
        for yes in [r#"GCamera:MotionPhoto="1""#, "GCamera:MicroVideo = '1'"] {
            check_announced(GOOGLE, yes, "", FILM);
        }
        check_announced(GOOGLE, "", "<GCamera:MicroVideo>1</GCamera:MicroVideo >", FILM);
        for no in [r#"GCamera:MotionPhoto="0""#, r#"GCamera:MicroVideoOffset="4000""#, ""] {
            check_announced(GOOGLE, no, "", Announced::default());
        }
    }

    #[test]
    fn directories_and_gain_maps_go_whole() {
        let directory = |semantic: &str| {
            format!(
                "<Container:Directory note='a > b'><rdf:Seq><rdf:li><Container:Item Item:Semantic=\"{semantic}\"/>\
                 </rdf:li></rdf:Seq></Container:Directory>"
            )
        };
        check_announced(GOOGLE, "", &directory("Depth"), FILM);
        check_announced(GOOGLE, "", &directory("GainMap"), Announced { parts: true, gain_map: true });
        check_announced(GOOGLE, "", "<Container:Directory />", FILM);
        check_announced(GOOGLE, r#"hdrgm:Version="1.0""#, "", Announced { parts: false, gain_map: true });
    }

    #[test]
    fn prefixes_are_those_that_the_packet_declares() {
        let other = r#"xmlns:film="http://ns.google.com/photos/1.0/camera/""#;
        check_announced(other, r#"film:MotionPhoto="1""#, "", FILM);
        for (declared, attribute) in [(other, r#"GCamera:MotionPhoto="1""#), ("", r#"film:MotionPhoto="1""#)] {
            let before = packet(declared, attribute, "").into_bytes();
            let mut after = before.clone();
            assert_eq!(take_announcements(&mut after), Announced::default());
            assert_eq!(after, before);
        }
    }

    #[test]
    fn what_has_no_end_is_left_alone() {
        let opened = ["<GCamera:MotionPhoto>1", "<GCamera:MotionPhoto "].map(|open| open.repeat(1000));
        let quoted =
            ["<GCamera:MotionPhoto a='>", " GCamera:MotionPhoto='1", " GCamera:MotionPhoto"].map(str::to_owned);
        for end in opened.iter().chain(&quoted) {
            let before = [GOOGLE, end].concat().into_bytes();
            let mut after = before.clone();
            assert_eq!(take_announcements(&mut after), Announced::default());
            assert_eq!(after, before);
        }
    }

    const THUMBNAILS: &str = r#"xmlns:g="http://ns.adobe.com/xap/1.0/g/img/""#;

    fn check_pictures(before: &str, bytes_max: usize, jpeg: &[u8], negative: Option<&[u8]>, after: &str) {
        let mut found = format!("{THUMBNAILS} {before}").into_bytes();
        let bytes_max = bytes_max + found.len() - before.len();
        invert_pictures(&mut found, bytes_max, &mut |found| {
            assert_eq!(found, jpeg);
            negative.map(<[u8]>::to_vec)
        });
        assert_eq!(String::from_utf8(found).unwrap(), format!("{THUMBNAILS} {after}"));
    }

    #[test]
    fn thumbnails_are_replaced_and_their_lines_stay() {
        check_pictures(
            "<g:image>dGh1&#xA;bWI=</g:image>",
            50,
            b"thumb",
            Some(b"THUMB"),
            "<g:image>VEhV&#xA;TUI=</g:image>",
        );
        check_pictures(" g:image='dGh1\nbWI='", 50, b"thumb", Some(b"THUMBS"), " g:image='VEhV\nTUJT'");
        check_pictures("<g:image>dGh1bWI</g:image>", 50, b"thumb", Some(b"TH"), "<g:image>VEg=</g:image>");
        check_pictures(
            "<g:image>dGh1bWI=</g:image><g:image>dGh1bWI=</g:image>",
            70,
            b"thumb",
            Some(b"THUMBSHOT"),
            "<g:image>VEhVTUJTSE9U</g:image><g:image>VEhVTUJTSE9U</g:image>",
        );
    }

    #[test]
    fn thumbnails_that_cannot_be_inverted_are_taken_away() {
        let blanks = |text: &str| " ".repeat(text.len());
        for element in ["<g:image>dGh1bWI=</g:image>", "<g:image>?</g:image>", "<g:image>&#xA</g:image>"] {
            check_pictures(element, 50, if element.contains("dG") { b"thumb" } else { b"" }, None, &blanks(element));
        }
        let element = "<g:image>dGh1bWI=</g:image>";
        check_pictures(element, element.len() + 3, b"thumb", Some(b"THUMBSHOT"), &blanks(element));
        check_pictures(element, element.len() + 4, b"thumb", Some(b"THUMBSHOT"), "<g:image>VEhVTUJTSE9U</g:image>");
    }

    #[test]
    fn a_picture_inside_another_is_not_touched_twice() {
        let both = r#"<g:image><a g:image="dGh1bWI="/></g:image>"#;
        check_pictures(both, 50, b"not called", Some(b""), &" ".repeat(both.len()));
    }

    #[test]
    fn extended_xmp_is_told_by_its_namespaces_and_can_be_taken_away() {
        assert!(has_pictures(THUMBNAILS.as_bytes()));
        assert!(!has_pictures(b"xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/'"));
        let declared = "xmlns:n='http://ns.adobe.com/xmp/note/'";
        let mut after = packet(declared, "n:HasExtendedXMP='0123'", "").into_bytes();
        take_extension(&mut after);
        assert_eq!(String::from_utf8(after).unwrap(), packet(declared, &" ".repeat(23), ""));
    }
}
