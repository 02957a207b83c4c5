//! From an encoded picture to its encoded negative, per format and size.

use benches::picture::{Encoding, photo_like};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use invert::{Options, Scratch, invert_into};

/// A webcam's frame or a web page's picture, and one of two million pixels.
const SIZES: [(u32, u32); 2] = [(640, 480), (1632, 1224)];

/// What a telephone takes.
const TELEPHONE: (u32, u32) = (4000, 3000);

const SEED: u64 = 20_261_121;

pub(crate) fn invert_formats(criterion: &mut Criterion) {
    let pictures = SIZES.map(|(width, height)| photo_like(SEED, width, height));
    let telephone = photo_like(SEED, TELEPHONE.0, TELEPHONE.1);
    let (options, mut scratch, mut out) = (Options::default(), Scratch::default(), Vec::new());
    for encoding in Encoding::ALL {
        let mut group = criterion.benchmark_group(format!("invert/{}", encoding.name()));
        // The slow ones take a tenth of a second each.
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        let large = matches!(encoding, Encoding::JpegPhoto | Encoding::JpegProgressive).then_some(&telephone);
        for picture in pictures.iter().chain(large) {
            let file = encoding.encode(picture);
            let size = format!("{}x{}", picture.width(), picture.height());
            group.throughput(Throughput::Bytes(file.len() as u64));
            group.bench_with_input(BenchmarkId::from_parameter(size), &file, |bencher, file| {
                bencher.iter(|| invert_into(file, &options, &mut scratch, &mut out).expect("the picture is right"));
            });
        }
        group.finish();
    }
}
