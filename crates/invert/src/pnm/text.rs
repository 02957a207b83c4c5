//! Rasters in text: numbers with space between, and comments in some files.

use crate::error::InvertError;
use crate::options::Metadata;
use crate::reader::Reader;

use super::header::Header;

pub(super) fn invert_bits(
    reader: &mut Reader<'_>,
    header: &Header,
    metadata: Metadata,
    out: &mut Vec<u8>,
) -> Result<(), InvertError> {
    let samples = header.samples().ok_or_else(|| reader.truncated())?;
    let mut made = 0;
    while made < samples {
        match reader.u8()? {
            bit @ (b'0' | b'1') => {
                out.push(bit ^ 1);
                made += 1;
            }
            other => copy_gap(reader, other, metadata, out)?,
        }
    }
    end(reader, metadata, out)
}

pub(super) fn invert_numbers(
    reader: &mut Reader<'_>,
    header: &Header,
    metadata: Metadata,
    out: &mut Vec<u8>,
) -> Result<(), InvertError> {
    let samples = header.samples().ok_or_else(|| reader.truncated())?;
    let mut made = 0;
    while made < samples {
        let start = reader.rest();
        let digits = start.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            let other = reader.u8()?;
            copy_gap(reader, other, metadata, out)?;
            continue;
        }
        let number = str::from_utf8(reader.take(digits)?).ok().and_then(|digits| digits.parse::<u32>().ok());
        let Some(negative) = number.and_then(|number| u32::from(header.maxval).checked_sub(number)) else {
            return Err(reader.damaged("a sample above the largest value"));
        };
        write_number(negative, out);
        made += 1;
    }
    end(reader, metadata, out)
}

fn write_number(mut number: u32, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// Space, or a comment up to the end of its line.
fn copy_gap(reader: &mut Reader<'_>, first: u8, metadata: Metadata, out: &mut Vec<u8>) -> Result<(), InvertError> {
    match first {
        b'#' => {
            let line = memchr::memchr2(b'\n', b'\r', reader.rest()).ok_or_else(|| reader.truncated())?;
            let comment = reader.take(line)?;
            if metadata == Metadata::Keep {
                out.push(b'#');
                out.extend_from_slice(comment);
            }
        }
        _ if first.is_ascii_whitespace() => out.push(first),
        _ => return Err(reader.damaged("no number where one should be")),
    }
    Ok(())
}

/// The white space that ends the last number, or the end of the file.
fn end(reader: &mut Reader<'_>, metadata: Metadata, out: &mut Vec<u8>) -> Result<(), InvertError> {
    match reader.rest() {
        [] => Ok(()),
        [first, ..] if first.is_ascii_whitespace() => {
            out.push(reader.u8()?);
            Ok(())
        }
        [b'#', ..] if metadata == Metadata::Keep => Ok(()),
        _ => Err(reader.damaged("no space behind the last number")),
    }
}
