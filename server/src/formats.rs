//! The wire formats that the hub is started with, and the dialects in which a
//! message may have been sent.

use hub::{Dialect, Encode, Format, Formats};

use crate::doors::channels::ChannelsFormat;
use crate::doors::htmx::HtmxFormat;
use crate::doors::native::NativeFormat;
use crate::doors::raw::RawFormat;
use crate::doors::sse::SseFormat;

/// What each door joins its members with.
#[derive(Debug)]
pub(crate) struct DoorFormats {
    pub(crate) native: Format,
    pub(crate) raw: Format,
    pub(crate) sse: Format,
    pub(crate) channels: Format,
    pub(crate) htmx: Format,
}

impl DoorFormats {
    /// All formats; `base_path` stands before the paths that they show.
    pub(crate) fn new(base_path: &str) -> (Self, Formats) {
        let mut list = FormatList::default();
        let formats = Self {
            native: list.add(NativeFormat::new(base_path)),
            raw: list.add(RawFormat::new(base_path)),
            sse: list.add(SseFormat::new(base_path)),
            channels: list.add(ChannelsFormat::new(base_path)),
            htmx: list.add(HtmxFormat::new(base_path)),
        };
        (formats, Formats::new(list.0))
    }
}

/// Gives each encoder its place.
#[derive(Default)]
pub(crate) struct FormatList(Vec<Box<dyn Encode>>);

impl FormatList {
    /// A door that has several formats adds them itself.
    pub(crate) fn add(&mut self, encoder: impl Encode + 'static) -> Format {
        self.0.push(Box::new(encoder));
        Format(self.0.len() - 1)
    }
}

/// Members of the raw relay: the message's bytes.
pub(crate) const RAW: Dialect = Dialect(1);
/// Members of the Channels style chat: the text.
pub(crate) const CHANNELS: Dialect = Dialect(2);
