//! JPEG: the fast walk against the reference.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|file: &[u8]| -> Corpus { fuzz::check_jpeg_paths(file) });

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, fuzzer_mutate)
});
