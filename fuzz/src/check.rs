//! What must hold for any bytes.

use std::cell::RefCell;

use invert::{Effort, Format, Limits, Metadata, Method, Options, Probe, Scratch, Summary};
use libfuzzer_sys::Corpus;
use peak_alloc::PeakAlloc;

use crate::pixels;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Tight, so that a run is short and every limit is met.
const LIMITS: Limits = Limits {
    file_max_bytes: 1 << 16,
    pixels_max: 1 << 16,
    decode_pixels_max: 1 << 14,
    rewrite_pixels_max: 1 << 15,
    frames_max: 8,
    scans_max: 12,
};

/// The same for a negative, which may be some bytes longer than its original.
const LIMITS_OF_NEGATIVES: Limits = Limits { file_max_bytes: usize::MAX, ..LIMITS };

/// What one call may allocate. Pixels within `LIMITS`, eight bytes each, and
/// the file need less than one MiB; the decoder of lossy WebP takes a partition
/// at its word, whose length has 24 bits.
const MEMORY_MAX_BYTES: usize = 20 << 20;

thread_local! {
    /// Used by every run, so that what a run leaves behind is what the next one
    /// finds.
    static USED: RefCell<Scratch> = RefCell::default();
}

/// A summary and a file, or the error as it is shown to programmers.
type Outcome = Result<(Summary, Vec<u8>), String>;

/// Checks a file if it is of `format`.
pub fn check_only(format: Format, file: &[u8]) -> Corpus {
    if Format::of(file).ok() != Some(format) {
        return Corpus::Reject;
    }
    check(file);
    Corpus::Keep
}

/// Checks everything that must hold for any bytes at all.
///
/// # Panics
///
/// When something does not hold.
pub fn check(file: &[u8]) {
    let options = Options::from(LIMITS);
    let outcome = USED.with_borrow_mut(|scratch| invert(file, &options, scratch));
    assert!(
        outcome == invert(file, &options, &mut Scratch::default()),
        "what earlier runs left in the scratch changes the result"
    );
    if Format::of(file).ok() == Some(Format::Jpeg) {
        let by_reference = invert(file, &options, &mut Scratch::with_reference_walk());
        assert!(outcome == by_reference, "the fast walk through a JPEG differs from the reference");
    }
    let probe = invert::probe(file);
    let (summary, negative) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return check_error(file, &error),
    };
    let probe = probe.expect("what can be inverted can be probed");
    check_summary(&summary, &probe);
    check_negative(file, &summary, &probe, &negative);

    let options = Options { metadata: Metadata::Strip, effort: Effort::Small, ..options };
    let (stripped_summary, stripped) =
        invert(file, &options, &mut Scratch::default()).expect("what is not needed stands in nobody's way");
    assert_eq!(stripped_summary, summary);
    check_header(&stripped, &probe);
    pixels::check(file, &stripped, summary.format);
}

fn invert(file: &[u8], options: &Options, scratch: &mut Scratch) -> Outcome {
    let mut out = b"of another picture".to_vec();
    let (result, bytes) = peak_of(|| invert::invert_into(file, options, scratch, &mut out));
    assert!(bytes <= MEMORY_MAX_BYTES, "{bytes} bytes allocated");
    match result {
        Ok(summary) => Ok((summary, out)),
        Err(error) => {
            // Nothing but the text is shown to people: it must not panic.
            let _ = (error.to_string(), error.kind());
            Err(format!("{error:?}"))
        }
    }
}

/// What `work` returns, and the most bytes that it had allocated at once.
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let result = work();
    (result, ALLOCATOR.peak_usage() - before)
}

/// What is refused before the codec sees it is refused by the codec, too, where
/// it looks at the same data.
fn check_error(file: &[u8], error: &str) {
    let count = |name| file.windows(4).filter(|window| *window == name).count();
    if error.contains("lossless data whose codes are damaged") && (count(b"VP8L"), count(b"ALPH")) == (1, 0) {
        assert!(!pixels::is_webp(file), "{error}");
    }
}

fn check_summary(summary: &Summary, probe: &Probe) {
    let Summary { format, width, height, frames } = *summary;
    assert_eq!((format, width, height), (probe.format, probe.width, probe.height));
    assert!(probe.frames.is_none_or(|probed| probed == frames), "{frames} frames: {probe:?}");
    assert!(!matches!(probe.method, Method::Refused { .. }), "{probe:?}");
    let pixels = u64::from(width) * u64::from(height);
    assert!(pixels <= LIMITS.pixels_max && frames <= LIMITS.frames_max, "{summary:?}");
}

/// A negative of a picture says the same of itself as the picture does.
fn check_header(negative: &[u8], probe: &Probe) {
    let after = invert::probe(negative).expect("our own picture");
    let expected = Probe { frames: after.frames, ..*probe };
    assert_eq!(after, expected);
}

fn check_negative(file: &[u8], summary: &Summary, probe: &Probe, negative: &[u8]) {
    check_header(negative, probe);
    pixels::check(file, negative, summary.format);

    let again = |file: &[u8]| {
        let (again, negative) =
            invert(file, &LIMITS_OF_NEGATIVES.into(), &mut Scratch::default()).expect("a negative has a negative, too");
        assert_eq!(again, *summary);
        negative
    };
    let twice = again(negative);
    pixels::check(negative, &twice, summary.format);
    match (summary.format, probe.method) {
        (Format::Gif | Format::Bmp, _) => assert!(twice == file, "the negative of the negative is another file"),
        // Chunks and links that must not outlive a change are gone from the first negative on.
        (Format::Png, Method::ColourTables) => {
            assert!(again(&twice) == negative, "negatives change from one to the next");
            let has_exif = file.windows(4).any(|name| name == b"eXIf");
            assert!(twice == file || twice.len() < file.len() || has_exif, "the negative of the negative differs");
        }
        // What cannot be inverted is gone, codes that were missing are there. Bytes may differ where the standard is not
        // kept: where bits that fill a byte are zeros, or scans give the same values again.
        (Format::Jpeg, _) => pixels::check_same_jpeg(negative, &again(&twice)),
        (Format::Png | Format::WebP | Format::Tiff | Format::Pnm | Format::Qoi, _) => {}
    }
}
