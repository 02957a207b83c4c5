//! Restart intervals of a scan (T.81 B.1.1.5, F.1.1.5.2).

use super::interval::Fault;
use crate::jpeg::marker::RST0;

/// Units of a scan, by number.
pub(super) type Units = std::ops::Range<usize>;

/// Gives each interval to `invert` with the data that it begins and its units;
/// copies the markers between them, and what follows the last one.
///
/// `invert` returns how many bytes of the data it read.
pub(super) fn each_interval(
    data: &[u8],
    units: usize,
    interval: u16,
    out: &mut Vec<u8>,
    mut invert: impl FnMut(&[u8], Units, &mut Vec<u8>) -> Result<usize, Fault>,
) -> Result<(), Fault> {
    let interval = if interval == 0 { units } else { interval.into() };
    let (mut rest, mut from) = (data, 0);
    for marker in (RST0..RST0 + 8).cycle() {
        let to = units.min(from + interval);
        let read = invert(rest, from..to, out)?;
        rest = &rest[read..];
        if to == units {
            break;
        }
        from = to;
        // B.1.1.2: any number of fill bytes may come before a marker.
        let filling = rest.iter().take_while(|&&byte| byte == 0xFF).count();
        if filling == 0 || rest.get(filling) != Some(&marker) {
            return Err(Fault::CutShort);
        }
        let (restart, behind) = rest.split_at(filling + 1);
        out.extend_from_slice(restart);
        rest = behind;
    }
    out.extend_from_slice(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_follow_each_other_and_what_is_behind_the_last_interval_stays() {
        let data = [1, 0xFF, 0xD0, 2, 0xFF, 0xFF, 0xD1, 3, 0xFF, 0xD2, 9];
        let check = |data: &[u8], units| {
            let (mut out, mut found) = (vec![], vec![]);
            let ended = each_interval(data, units, 2, &mut out, |data, units, out| {
                found.push((data[0], units));
                out.push(data[0] + 100);
                Ok(1)
            });
            (ended, out, found)
        };
        let found = vec![(1, 0..2), (2, 2..4), (3, 4..5)];
        assert_eq!(check(&data, 5), (Ok(()), vec![101, 0xFF, 0xD0, 102, 0xFF, 0xFF, 0xD1, 103, 0xFF, 0xD2, 9], found));
        assert_eq!(check(&[1, 0xFF, 0xD1, 2], 5).0, Err(Fault::CutShort));
        assert_eq!(check(&[1], 5).0, Err(Fault::CutShort));
    }
}
