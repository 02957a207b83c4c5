//! Headers of Netpbm files (the manual pages pbm, pgm, ppm and pam).

use crate::error::InvertError;
use crate::reader::Reader;

#[derive(Debug)]
pub(super) struct Header {
    kind: u8,
    pub(super) width: u32,
    pub(super) height: u32,
    /// The largest value of a sample, which is white.
    pub(super) maxval: u16,
    /// Samples of a pixel.
    pub(super) channels: usize,
    /// Those that are colours; the others are alpha.
    pub(super) colours: usize,
    pub(super) raster: Raster,
    /// PAM's type of tuple.
    tuple: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raster {
    /// `0` and `1`, with or without space between.
    BitsText,
    /// Decimal numbers.
    Text,
    /// Eight pixels a byte, rows padded to a byte.
    Bits,
    /// A byte, or two from the high one, for each sample.
    Samples,
}

/// PAM's types of tuples: name, samples that are colours, all samples.
const TUPLES: [(&str, usize, usize); 6] = [
    ("BLACKANDWHITE", 1, 1),
    ("GRAYSCALE", 1, 1),
    ("RGB", 3, 3),
    ("BLACKANDWHITE_ALPHA", 1, 2),
    ("GRAYSCALE_ALPHA", 1, 2),
    ("RGB_ALPHA", 3, 4),
];

impl Raster {
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::BitsText | Self::Text)
    }
}

impl Header {
    /// Samples of the picture, in all channels.
    pub(super) fn samples(&self) -> Option<usize> {
        (self.width as usize).checked_mul(self.height as usize)?.checked_mul(self.channels)
    }

    /// Bytes of a raster that is not text.
    pub(super) fn raster_bytes(&self) -> Option<usize> {
        match self.raster {
            Raster::Bits => (self.width as usize).div_ceil(8).checked_mul(self.height as usize),
            _ => self.samples()?.checked_mul(if self.maxval < 256 { 1 } else { 2 }),
        }
    }

    /// Bytes of what is inverted as a whole: a pixel, or a row of bits.
    pub(super) fn group_bytes(&self) -> usize {
        match self.raster {
            Raster::Bits => (self.width as usize).div_ceil(8),
            _ => self.channels * if self.maxval < 256 { 1 } else { 2 },
        }
    }

    /// The same header without comments.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let Self { width, height, maxval, channels, .. } = self;
        let header = match (self.kind, self.tuple) {
            (b'1' | b'4', _) => format!("P{}\n{width} {height}\n", char::from(self.kind)),
            (b'7', tuple) => {
                let tuple = tuple.map(|name| format!("TUPLTYPE {name}\n")).unwrap_or_default();
                format!("P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {maxval}\n{tuple}ENDHDR\n")
            }
            _ => format!("P{}\n{width} {height}\n{maxval}\n", char::from(self.kind)),
        };
        out.extend_from_slice(header.as_bytes());
    }
}

/// Two letters prove little, so what follows them has to fit.
pub(crate) fn is_magic(file: &[u8]) -> bool {
    match file {
        [b'P', b'7', b'\n', next, ..] => b"WHDMT#\n".contains(next),
        [b'P', b'1'..=b'6', space, next, ..] => {
            space.is_ascii_whitespace() && (next.is_ascii_whitespace() || next.is_ascii_digit() || *next == b'#')
        }
        _ => false,
    }
}

/// Ends behind the one white space that ends the header.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Header, InvertError> {
    let [_, kind] = reader.array()?;
    if kind == b'7' {
        return read_pam(reader);
    }
    let mut number = || read_number(reader);
    let (width, height) = (number()?, number()?);
    let maxval = if matches!(kind, b'1' | b'4') { 1 } else { number()? };
    let colours = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
    let raster = match kind {
        b'1' => Raster::BitsText,
        b'2' | b'3' => Raster::Text,
        b'4' => Raster::Bits,
        _ => Raster::Samples,
    };
    let maxval = check(reader, width, height, maxval)?;
    Ok(Header { kind, width, height, maxval, channels: colours, colours, raster, tuple: None })
}

fn check(reader: &Reader<'_>, width: u32, height: u32, maxval: u32) -> Result<u16, InvertError> {
    if width == 0 || height == 0 {
        return Err(reader.damaged("a picture without pixels"));
    }
    match u16::try_from(maxval) {
        Ok(maxval @ 1..) => Ok(maxval),
        _ => Err(reader.damaged("a largest value that is not from 1 to 65535")),
    }
}

/// Space and comments, a number, and one space behind it.
fn read_number(reader: &mut Reader<'_>) -> Result<u32, InvertError> {
    let mut byte = reader.u8()?;
    while !byte.is_ascii_digit() {
        match byte {
            b'#' => while !matches!(reader.u8()?, b'\n' | b'\r') {},
            _ if byte.is_ascii_whitespace() => {}
            _ => return Err(reader.damaged("no number where one should be")),
        }
        byte = reader.u8()?;
    }
    let mut number: u32 = 0;
    while byte.is_ascii_digit() {
        let digit = u32::from(byte - b'0');
        let Some(next) = number.checked_mul(10).and_then(|number| number.checked_add(digit)) else {
            return Err(reader.damaged("a number that is too large"));
        };
        number = next;
        byte = reader.u8()?;
    }
    // A comment may follow the number at once.
    if byte == b'#' {
        while !matches!(reader.u8()?, b'\n' | b'\r') {}
    } else if !byte.is_ascii_whitespace() {
        return Err(reader.damaged("no space behind a number"));
    }
    Ok(number)
}

fn read_pam(reader: &mut Reader<'_>) -> Result<Header, InvertError> {
    let [mut width, mut height, mut depth, mut maxval] = [0; 4];
    let mut tuple = None;
    reader.take(1)?;
    loop {
        let line = read_line(reader)?;
        let (name, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let field = match name {
            "WIDTH" => &mut width,
            "HEIGHT" => &mut height,
            "DEPTH" => &mut depth,
            "MAXVAL" => &mut maxval,
            "TUPLTYPE" => {
                tuple = Some(value.trim());
                continue;
            }
            "ENDHDR" => break,
            _ if name.is_empty() || name.starts_with('#') => continue,
            _ => return Err(reader.damaged("a field that does not exist")),
        };
        *field = value.trim().parse().map_err(|_| reader.damaged("no number where one should be"))?;
    }
    let maxval = check(reader, width, height, maxval)?;
    let depth = depth as usize;
    let known = match tuple {
        Some(name) if !name.is_empty() => TUPLES.into_iter().find(|(known, ..)| *known == name),
        // Without a type, one sample is grey and three are colours.
        _ => TUPLES.into_iter().skip(1).find(|&(_, colours, all)| colours == all && all == depth),
    };
    match known {
        Some((name, colours, channels)) if channels == depth => {
            let tuple = tuple.map(|_| name);
            Ok(Header { kind: b'7', width, height, maxval, channels, colours, raster: Raster::Samples, tuple })
        }
        Some(_) => Err(reader.damaged("a depth that does not fit the type of tuple")),
        None => Err(InvertError::UnsupportedFeature { feature: "PAM with this type of tuple" }),
    }
}

/// A line of a header, which is short.
fn read_line<'a>(reader: &mut Reader<'a>) -> Result<&'a str, InvertError> {
    let rest = reader.rest();
    let line_bytes = memchr::memchr(b'\n', rest).ok_or_else(|| reader.truncated())?;
    let line = reader.take(line_bytes + 1)?;
    str::from_utf8(&line[..line_bytes]).map(str::trim).or_else(|_| {
        // A comment may be in any encoding.
        if line.starts_with(b"#") { Ok("#") } else { Err(reader.damaged("a field that does not exist")) }
    })
}
