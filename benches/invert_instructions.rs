//! How many instructions a negative takes: the same in every run, however busy
//! the machine is. `cargo xtask instructions` compares them with those of
//! `instructions.json`.

use benches::picture::{Encoding, tiled};
use gungraun::{library_benchmark, library_benchmark_group, main};
use invert::{Options, Scratch, Summary, invert_into};

const SEED: u64 = 20_261_121;

/// What stands ready before the counting begins.
struct Ready {
    file: Vec<u8>,
    scratch: Scratch,
    out: Vec<u8>,
}

fn ready(encoding: Encoding, width: u32, height: u32) -> Ready {
    let file = encoding.encode(&tiled(SEED, width, height));
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    // What memory a first picture asks for is not what is counted.
    invert_into(&file, &Options::default(), &mut scratch, &mut out).expect("the picture is right");
    Ready { file, scratch, out }
}

#[library_benchmark(setup = ready)]
#[bench::jpeg(Encoding::Jpeg, 640, 480)]
#[bench::jpeg_photo(Encoding::JpegPhoto, 1632, 1224)]
#[bench::jpeg_progressive(Encoding::JpegProgressive, 640, 480)]
#[bench::png_rgb(Encoding::PngRgb, 640, 480)]
#[bench::png_palette(Encoding::PngPalette, 640, 480)]
#[bench::gif(Encoding::Gif, 640, 480)]
#[bench::bmp(Encoding::Bmp, 640, 480)]
fn negative(ready: Ready) -> (Summary, Ready) {
    let Ready { file, mut scratch, mut out } = ready;
    let summary = invert_into(&file, &Options::default(), &mut scratch, &mut out).expect("the picture is right");
    // What it returns is dropped after the counting has ended.
    (summary, Ready { file, scratch, out })
}

library_benchmark_group!(name = negatives, benchmarks = negative);
main!(library_benchmark_groups = negatives);
