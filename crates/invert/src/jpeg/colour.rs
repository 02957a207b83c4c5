//! What the components of a picture mean.

use super::embedded::{ADOBE, JFIF};
use super::frame::Frame;
use super::marker::{APP0, APP14};
use super::segments::Part;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColourModel {
    /// Grey, or one sample for each of red, green and blue.
    Direct,
    /// Luma, and two differences around 128.
    YCbCr,
}

impl ColourModel {
    /// What decoders take the components for: T.871 says luma and differences,
    /// an Adobe segment says itself, and else the components' letters may.
    pub(super) fn of(frame: &Frame, parts: &[Part<'_>]) -> Self {
        // The transform is the last of twelve bytes; 0 is none.
        let adobe = payload(parts, APP14, ADOBE).and_then(|payload| payload.get(11));
        match (frame.components.len(), payload(parts, APP0, JFIF), adobe) {
            (3, Some(_), _) => Self::YCbCr,
            (3, None, Some(0)) => Self::Direct,
            (3, None, Some(_)) => Self::YCbCr,
            (3, None, None) if frame.has_letters() => Self::Direct,
            (3, None, None) => Self::YCbCr,
            _ => Self::Direct,
        }
    }

    /// Whether the negative of a component is 255-x: differences are around
    /// 128, so that their negative is 256-x (T.871 §7).
    pub(super) fn has_negative_below(self, component: usize) -> bool {
        match self {
            Self::Direct => true,
            Self::YCbCr => component == 0,
        }
    }
}

/// The first segment of a kind.
fn payload<'a>(parts: &[Part<'a>], marker: u8, prefix: &[u8]) -> Option<&'a [u8]> {
    parts.iter().find_map(|part| match part {
        Part::Segment(segment) if segment.marker == marker && segment.payload.starts_with(prefix) => {
            Some(segment.payload)
        }
        _ => None,
    })
}
