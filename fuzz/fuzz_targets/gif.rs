//! GIF.

#![no_main]

use invert::Format;
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|file: &[u8]| -> Corpus { fuzz::check_only(Format::Gif, file) });

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, fuzzer_mutate)
});
