//! Restart intervals of a scan (T.81 B.1.1.5, F.1.1.5.2).

use super::interval::Fault;
use super::stuffing;
use crate::jpeg::marker::RST0;
use crate::jpeg::segments::ScanData;

/// Units of a scan, by number.
pub(super) type Units = std::ops::Range<usize>;

/// An interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Its entropy-coded data.
    pub(super) data: &'a [u8],
    pub(super) units: Units,
    /// The marker behind it; behind the last one all that follows.
    pub(super) behind: &'a [u8],
}

/// The intervals of a scan, one after the other.
pub(super) fn intervals(
    data: ScanData<'_>,
    units: usize,
    interval: u16,
) -> impl Iterator<Item = Result<Piece<'_>, Fault>> {
    let interval = if interval == 0 { units } else { interval.into() };
    let (mut rest, mut from) = (data.bytes, 0);
    let mut markers = (RST0..RST0 + 8).cycle();
    std::iter::from_fn(move || {
        if from == units {
            return None;
        }
        let units_here = from..units.min(from + interval);
        let end = if data.is_unbroken { rest.len() } else { stuffing::length(rest) };
        let (data, behind) = rest.split_at(end);
        from = units_here.end;
        if from == units {
            return Some(Ok(Piece { data, units: units_here, behind }));
        }
        let marker = markers.next()?;
        // B.1.1.2: any number of fill bytes may come before a marker.
        let filling = behind.iter().take_while(|&&byte| byte == 0xFF).count();
        if filling == 0 || behind.get(filling) != Some(&marker) {
            from = units;
            return Some(Err(Fault::CutShort));
        }
        let (behind, next) = behind.split_at(filling + 1);
        rest = next;
        Some(Ok(Piece { data, units: units_here, behind }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_follow_each_other_and_what_is_behind_the_last_interval_stays() {
        let found = |bytes: &'static [u8], units| {
            intervals(ScanData { bytes, is_unbroken: false }, units, 2).collect::<Result<Vec<_>, _>>()
        };
        let piece = |data: &'static [u8], units, behind: &'static [u8]| Piece { data, units, behind };
        let expected = vec![
            piece(&[1], 0..2, &[0xFF, 0xD0]),
            piece(&[2], 2..4, &[0xFF, 0xFF, 0xD1]),
            piece(&[3], 4..5, &[0xFF, 0xD2, 9]),
        ];
        assert_eq!(found(&[1, 0xFF, 0xD0, 2, 0xFF, 0xFF, 0xD1, 3, 0xFF, 0xD2, 9], 5), Ok(expected));
        assert_eq!(found(&[1, 0xFF, 0xD1, 2], 5), Err(Fault::CutShort));
        assert_eq!(found(&[1], 5), Err(Fault::CutShort));
    }
}
