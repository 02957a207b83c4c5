//! What a call costs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use invert::{ErrorKind, InvertError, Limits, Method, Options, Scratch, Summary};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Above file, negative and the pixels that are decoded.
const MEMORY_MAX_BYTES: usize = 64 << 20;
/// For each pixel that is decoded.
const PIXEL_MAX_BYTES: usize = 8;
/// One second, and a margin of ten for machines that are slow or busy.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Weighs one call after another: the memory of all threads is counted
/// together, so that there is one scale, and who holds it is alone.
pub(crate) struct Scale {
    _alone: MutexGuard<'static, ()>,
}

/// What came of a call, within its bounds.
type Outcome = Result<(Summary, Vec<u8>), InvertError>;

impl Scale {
    /// Waits until nobody else holds it. Bombs are made only then.
    pub(crate) fn alone() -> Self {
        static SCALE: Mutex<()> = Mutex::new(());
        // A test that failed leaves nothing behind that would matter.
        Self { _alone: SCALE.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Checks the bounds alone.
    pub(crate) fn weigh(&self, file: &[u8]) -> Outcome {
        let mut out = Vec::new();
        let options = Options::from(Limits::default());
        ALLOCATOR.reset_peak_usage();
        let memory_before = ALLOCATOR.current_usage();
        let begin = thread_time();
        let result = invert::invert_into(file, &options, &mut Scratch::default(), &mut out);
        let time = thread_time() - begin;
        let memory = ALLOCATOR.peak_usage().saturating_sub(memory_before);
        assert!(time <= TIME_MAX, "{time:?} of CPU time for {} bytes: {result:?}", file.len());
        let allowed = MEMORY_MAX_BYTES + file.len() + out.len() + decoded_bytes(file);
        assert!(memory <= allowed, "{memory} bytes of memory for {} bytes, at most {allowed}: {result:?}", file.len());
        result.map(|summary| (summary, out))
    }

    /// There is a negative. It is of the same kind, and has a negative itself;
    /// returns both.
    pub(crate) fn inverts(&self, file: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (summary, negative) = self.weigh(file).expect("a picture within its limits");
        let (again, twice) = self.weigh(&negative).expect("our own picture");
        assert_eq!(again, summary);
        (negative, twice)
    }

    /// There is a negative, and the negative of it is the file again.
    pub(crate) fn inverts_there_and_back(&self, file: &[u8]) {
        let (negative, twice) = self.inverts(file);
        assert!(negative != file, "nothing changed");
        assert!(twice == file, "the negative of the negative is another file");
    }

    pub(crate) fn refuses(&self, file: &[u8], kind: ErrorKind) {
        match self.weigh(file) {
            Ok((summary, _)) => panic!("{summary:?}, not an error of the kind {kind:?}"),
            Err(error) => assert_eq!(error.kind(), kind, "{error}"),
        }
    }

    /// Both are right, within the same bounds.
    pub(crate) fn inverts_or_refuses(&self, file: &[u8], kind: ErrorKind) {
        if let Err(error) = self.weigh(file) {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}

/// What pixels may take where a picture must be decoded.
fn decoded_bytes(file: &[u8]) -> usize {
    match invert::probe(file) {
        Ok(probe) if probe.method == Method::Recode => {
            let pixels = u64::from(probe.width) * u64::from(probe.height);
            usize::try_from(pixels.min(Limits::default().decode_pixels_max)).unwrap_or(0) * PIXEL_MAX_BYTES
        }
        _ => 0,
    }
}

/// CPU time of this thread: other programs do not count.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}
