//! Every layout of a sequential JPEG: the fast walk goes as the reference
//! does, and back.

use invert::{Options, Scratch};
use proptest::prelude::*;

use crate::jpeg_writer::{Height, Layout, Tables};
use crate::samples::{check_that_every_cut_is_broken, decode, segments};

/// The negative, made by both walks.
fn negative(file: &[u8]) -> Vec<u8> {
    let made = [Scratch::default(), Scratch::with_reference_walk()].map(|mut scratch| {
        let mut out = vec![];
        let summary = invert::invert_into(file, &Options::default(), &mut scratch, &mut out);
        (summary.expect("a whole picture"), out)
    });
    assert_eq!(made[0], made[1], "the fast walk differs from the reference");
    let [(_, negative), _] = made;
    negative
}

fn check_back(layout: &Layout) -> Vec<u8> {
    let file = layout.write();
    let negative = negative(&file);
    assert_ne!(negative, file);
    assert_eq!(self::negative(&negative), file, "{layout:?}");
    negative
}

#[test]
fn every_sampling_goes_there_and_back() {
    let factors = || (1..=4_u8).flat_map(|across| (1..=4_u8).map(move |down| (across, down)));
    for luma in factors() {
        for chroma in factors() {
            let sampling = vec![luma, chroma, (1, 1)];
            let blocks: u8 = sampling.iter().map(|(across, down)| across * down).sum();
            let scans = if blocks <= 10 { vec![vec![0, 1, 2]] } else { vec![vec![0], vec![1], vec![2]] };
            check_back(&Layout { sampling, scans, ..Layout::default() });
        }
        check_back(&Layout { sampling: vec![luma], scans: vec![vec![0]], ..Layout::default() });
    }
}

#[test]
fn scans_of_any_components_have_their_own_blocks() {
    for scans in [vec![vec![0], vec![1], vec![2]], vec![vec![0], vec![1, 2]], vec![vec![2, 1], vec![0]]] {
        for restart_interval in [0, 1, 5] {
            for tables in [Tables::Defined, Tables::DefinedForEachScan, Tables::LeftOut] {
                check_back(&Layout { scans: scans.clone(), restart_interval, tables, ..Layout::default() });
            }
        }
    }
}

#[test]
fn a_height_behind_the_first_scan_counts() {
    let layout = Layout { height_is: Height::BehindTheFirstScan, ..Layout::default() };
    let after = check_back(&layout);
    let probe = invert::probe(&after).unwrap();
    assert_eq!((probe.width, probe.height), (61, 45));
    check_that_every_cut_is_broken(&layout.write());
}

#[test]
fn fill_bytes_stay() {
    for restart_interval in [0, 3] {
        check_back(&Layout { filling: 3, restart_interval, ..Layout::default() });
    }
}

#[test]
fn long_scans_are_walked_from_two_places() {
    for (width, height, density) in [(2000, 800, 3), (900, 700, 40), (3000, 64, 100)] {
        for seed in 0..3 {
            check_back(&Layout { width, height, density, seed, ..Layout::default() });
        }
    }
    check_back(&Layout { width: 1200, height: 900, sampling: vec![(1, 1)], scans: vec![vec![0]], ..Layout::default() });
}

/// The standard's tables have codes of up to 16 bits.
#[test]
fn long_codes_and_full_blocks_are_walked_fast() {
    for restart_interval in [0, 1, 7] {
        for density in [20, 60, 128] {
            check_back(&Layout {
                width: 160,
                height: 120,
                density,
                restart_interval,
                tables: Tables::LeftOut,
                ..Layout::default()
            });
        }
    }
}

#[test]
fn a_difference_without_a_code_gets_one_and_the_pixels_come_back() {
    let mut changed = 0;
    for seed in 0..60 {
        let sampling = vec![(1, 1)];
        let layout = Layout {
            width: 24,
            height: 16,
            sampling,
            scans: vec![vec![0]],
            tables: Tables::Sparse,
            dc_step: 1,
            seed,
            ..Layout::default()
        };
        let file = layout.write();
        let after = negative(&file);
        let tables = |file: &[u8]| segments(file).into_iter().filter(|(marker, _)| *marker == 0xC4).collect::<Vec<_>>();
        changed += usize::from(tables(&file) != tables(&after));
        // All at the same distance, which the correction closes but for the clipping at both ends.
        let (before, after_pixels) = (decode(&file).into_luma8(), decode(&after).into_luma8());
        for (old, new) in before.iter().zip(after_pixels.iter()) {
            assert!((255 - old).abs_diff(*new) <= 1, "seed {seed}: {old} became {new}");
        }
        assert_eq!(decode(&negative(&after)), decode(&file));
    }
    assert!(changed > 3, "{changed} of 60 tables lacked a code");
}

#[test]
fn what_follows_the_picture_stays() {
    let file = [Layout::default().write(), b"bytes of somebody else".to_vec()].concat();
    assert_eq!(negative(&negative(&file)), file);
    assert!(negative(&file).ends_with(b"\xFF\xD9bytes of somebody else"));
}

#[test]
fn useless_bytes_behind_the_last_block_stay() {
    let file = Layout::default().write();
    for useless in [vec![0x55; 1], vec![0xAA; 200], vec![0xFF, 0x00, 0x12], vec![0xFF, 0xD3, 0x77]] {
        let longer = [&file[..file.len() - 2], &useless, &file[file.len() - 2..]].concat();
        assert_eq!(negative(&negative(&longer)), longer);
    }
}

/// Found by fuzzing: the fast walk ended within a block behind the last one.
#[test]
fn bits_behind_the_last_block_stay_as_they_are() {
    for seed in 0..30 {
        let file = Layout { width: 33, height: 19, seed, ..Layout::default() }.write();
        for bytes in 30..70 {
            let useless = (1..bytes).map(|byte: usize| (byte * (seed as usize + 77)) as u8 & 0x7F);
            let longer = [&file[..file.len() - 2], &useless.collect::<Vec<_>>(), &[0xFF, 0xD9]].concat();
            let after = negative(&longer);
            assert!(after.ends_with(&longer[longer.len() - bytes - 1..]), "{bytes} bytes behind picture {seed}");
            assert_eq!(negative(&after), longer);
        }
    }
}

proptest! {
    #[test]
    fn any_layout_goes_there_and_back(
        width in 1_u16..200, height in 1_u16..200,
        sampling in proptest::collection::vec((1_u8..=2, 1_u8..=2), 3),
        restart_interval in 0_u16..9, dc_step in 1_u8..40, density in 0_u32..128, seed in 0_u32..1000, filling in 0_usize..3,
        tables in prop_oneof![Just(Tables::Defined), Just(Tables::LeftOut)],
    ) {
        // Twelve blocks would be too many for one unit.
        let blocks: u8 = sampling.iter().map(|(across, down)| across * down).sum();
        prop_assume!(blocks <= 10);
        check_back(&Layout { width, height, sampling, restart_interval, dc_step, density, seed, filling, tables, ..Layout::default() });
    }
}
