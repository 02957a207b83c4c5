//! `negaphone invert`, over files, folders and standard input.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A picture of one red pixel, and its negative: everything but the pixel is
/// the same.
fn bmp(red: u8) -> Vec<u8> {
    let mut file = b"BM".to_vec();
    for field in [58_u32, 0, 54, 40, 1, 1, 24 << 16 | 1, 0, 4, 0, 0, 0, 0] {
        file.extend(field.to_le_bytes());
    }
    file.extend([0x10, 0x20, red, 0]);
    file
}

/// A grey square of eight pixels a side, made for this test, with "secret" as
/// its comment.
const JPEG_WITH_COMMENT: &[u8] = include_bytes!("comment.jpg");

fn negative(red: u8) -> Vec<u8> {
    let mut file = bmp(red);
    for sample in &mut file[54..57] {
        *sample = !*sample;
    }
    file
}

fn invert(folder: &TempDir, args: &[&str]) -> Output {
    invert_input(folder, args, b"")
}

fn invert_input(folder: &TempDir, args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_negaphone"));
    command.arg("invert").args(args).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What is refused at once is not read.
    child.stdin.take().unwrap().write_all(input).ok();
    child.wait_with_output().unwrap()
}

fn put(folder: &TempDir, path: &str, bytes: &[u8]) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// All files below, in order.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn check_success(output: &Output) {
    assert!(output.status.success(), "{}", words(output));
}

fn check_failure(output: &Output, expected: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", words(output));
    assert!(words(output).contains(expected), "{}", words(output));
}

#[test]
fn a_folder_comes_out_with_its_names_and_sub_folders() {
    let folder = TempDir::new().unwrap();
    put(&folder, "in/a.bmp", &bmp(1));
    put(&folder, "in/deep/er/b.BMP", &bmp(2));
    put(&folder, "in/no-extension", &bmp(3));
    put(&folder, "in/notes.txt", b"not a picture");
    put(&folder, "in/empty", b"");
    let output = invert(&folder, &["in", "-o", "out/put", "--jobs", "2"]);
    check_success(&output);
    assert_eq!(files(&folder.path().join("out/put")), ["a.bmp", "deep/er/b.BMP", "no-extension"]);
    assert_eq!(fs::read(folder.path().join("out/put/deep/er/b.BMP")).unwrap(), negative(2));
    assert_eq!(fs::read(folder.path().join("in/a.bmp")).unwrap(), bmp(1));
    assert!(words(&output).contains("3 negatives in "), "{}", words(&output));
    assert!(words(&output).contains("2 other files passed over"), "{}", words(&output));
}

#[test]
fn negatives_lie_beside_their_pictures_unless_told() {
    let folder = TempDir::new().unwrap();
    put(&folder, "a/photo.bmp", &bmp(1));
    put(&folder, "scan", &bmp(2));
    check_success(&invert(&folder, &["a/photo.bmp", "scan"]));
    assert_eq!(files(folder.path()), ["a/photo-negative.bmp", "a/photo.bmp", "scan", "scan-negative.bmp"]);
}

#[test]
fn a_negative_that_exists_is_kept_unless_forced() {
    let folder = TempDir::new().unwrap();
    put(&folder, "a.bmp", &bmp(1));
    put(&folder, "out/a.bmp", b"precious");
    check_failure(&invert(&folder, &["a.bmp", "-o", "out"]), "exists already (--force replaces it)");
    assert_eq!(fs::read(folder.path().join("out/a.bmp")).unwrap(), b"precious");
    check_success(&invert(&folder, &["a.bmp", "-o", "out", "--force"]));
    assert_eq!(fs::read(folder.path().join("out/a.bmp")).unwrap(), negative(1));
}

#[test]
fn no_original_is_replaced_even_by_force() {
    let folder = TempDir::new().unwrap();
    put(&folder, "a.bmp", &bmp(1));
    put(&folder, "in/b.bmp", &bmp(2));
    symlink("in", folder.path().join("same")).unwrap();
    for args in [
        ["a.bmp", "-o", "a.bmp", "-f"],
        ["a.bmp", "-o", ".", "-f"],
        ["in", "-o", "in", "-f"],
        ["in", "-o", "same/", "-f"],
    ] {
        check_failure(&invert(&folder, &args), "would replace an original");
    }
    assert_eq!(files(folder.path()), ["a.bmp", "in/b.bmp", "same"]);
    assert_eq!(fs::read(folder.path().join("a.bmp")).unwrap(), bmp(1));
    assert_eq!(fs::read(folder.path().join("in/b.bmp")).unwrap(), bmp(2));
}

#[test]
fn two_pictures_of_one_name_do_not_replace_each_other() {
    let folder = TempDir::new().unwrap();
    put(&folder, "a/x.bmp", &bmp(1));
    put(&folder, "b/x.bmp", &bmp(2));
    let output = invert(&folder, &["a/x.bmp", "b/x.bmp", "-o", "out", "--force", "--jobs", "1"]);
    check_failure(&output, "the negative of another picture is in");
    assert_eq!(fs::read(folder.path().join("out/x.bmp")).unwrap(), negative(1));
}

#[test]
fn failures_are_counted_by_reason_and_the_rest_is_done() {
    let folder = TempDir::new().unwrap();
    put(&folder, "in/cut.bmp", &bmp(1)[..56]);
    put(&folder, "in/film.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    put(&folder, "in/whole.bmp", &bmp(2));
    let output = invert(&folder, &["in", "nowhere.png", "-o", "out"]);
    check_failure(&output, "1 negative in ");
    check_failure(&output, "3 failed (1 cannot be read, 1 damaged, 1 unsupported)");
    assert_eq!(files(&folder.path().join("out")), ["whole.bmp"]);
}

#[test]
fn links_to_folders_are_not_followed_and_links_to_pictures_are() {
    let folder = TempDir::new().unwrap();
    put(&folder, "in/a.bmp", &bmp(1));
    put(&folder, "elsewhere/b.bmp", &bmp(2));
    symlink("..", folder.path().join("in/loop")).unwrap();
    symlink("../elsewhere/b.bmp", folder.path().join("in/b.bmp")).unwrap();
    symlink("nothing", folder.path().join("in/broken.bmp")).unwrap();
    check_success(&invert(&folder, &["in", "-o", "out"]));
    assert_eq!(files(&folder.path().join("out")), ["a.bmp", "b.bmp"]);
    assert_eq!(fs::read(folder.path().join("elsewhere/b.bmp")).unwrap(), bmp(2));
}

#[test]
fn an_output_folder_among_the_pictures_is_not_turned_back() {
    let folder = TempDir::new().unwrap();
    put(&folder, "a.bmp", &bmp(1));
    for _ in 0..2 {
        check_success(&invert(&folder, &[".", "-o", "negatives", "--force"]));
    }
    assert_eq!(files(folder.path()), ["a.bmp", "negatives/a.bmp"]);
}

#[test]
fn standard_input_comes_out_at_standard_output() {
    let folder = TempDir::new().unwrap();
    let output = invert_input(&folder, &["-"], &bmp(7));
    check_success(&output);
    assert_eq!((output.stdout, files(folder.path()).len()), (negative(7), 0));
    check_success(&invert_input(&folder, &["-", "-o", "x.bmp"], &bmp(8)));
    assert_eq!(fs::read(folder.path().join("x.bmp")).unwrap(), negative(8));
    let output = invert(&folder, &["x.bmp", "-o", "-"]);
    assert_eq!(output.stdout, bmp(8));
    check_failure(&invert_input(&folder, &["-"], b"just text"), "standard input: this is not an image");
    check_failure(&invert_input(&folder, &["-", "x.bmp"], &bmp(1)), "standard input");
}

#[test]
fn what_cannot_be_meant_is_refused_before_any_work() {
    let folder = TempDir::new().unwrap();
    put(&folder, "in/a.bmp", &bmp(1));
    put(&folder, "b.bmp", &bmp(2));
    put(&folder, "file", b"");
    check_failure(&invert(&folder, &["in"]), "is a folder: say with --output");
    check_failure(&invert(&folder, &["in", "-o", "file"]), "has to be a folder");
    check_failure(&invert(&folder, &["in", "-o", "-"]), "has to be a folder");
    check_failure(&invert(&folder, &["b.bmp", "in/a.bmp", "-o", "file"]), "has to be a folder");
    assert_eq!(invert(&folder, &["b.bmp", "--jobs", "0"]).status.code(), Some(2));
    assert_eq!(files(folder.path()), ["b.bmp", "file", "in/a.bmp"]);
}

#[test]
fn negatives_are_readable_as_new_files_are_and_nothing_is_left_behind() {
    let folder = TempDir::new().unwrap();
    put(&folder, "a.bmp", &bmp(1));
    check_success(&invert(&folder, &["a.bmp", "-o", "b.bmp"]));
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("b.bmp"), mode("a.bmp"));
    fs::create_dir(folder.path().join("taken.bmp")).unwrap();
    put(&folder, "taken.bmp/x", b"");
    check_failure(&invert(&folder, &["a.bmp", "in/../a.bmp", "-o", "taken.bmp/x/y", "--force"]), "cannot be written");
    assert_eq!(files(folder.path()), ["a.bmp", "b.bmp", "taken.bmp/x"]);
}

#[test]
fn metadata_goes_when_asked() {
    let folder = TempDir::new().unwrap();
    put(&folder, "a.jpg", JPEG_WITH_COMMENT);
    let tells = |file: &str| fs::read(folder.path().join(file)).unwrap().windows(6).any(|part| part == b"secret");
    check_success(&invert(&folder, &["a.jpg", "-o", "kept.jpg"]));
    check_success(&invert(&folder, &["a.jpg", "-o", "stripped.jpg", "--strip"]));
    assert!(tells("kept.jpg") && !tells("stripped.jpg"));
}

#[test]
fn help_has_examples() {
    let folder = TempDir::new().unwrap();
    let output = invert(&folder, &["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("negaphone invert photos/ -o negatives/"), "{help}");
}
