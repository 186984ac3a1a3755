//! Rules of this repository that no compiler knows.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::fs;
use std::path::PathBuf;

use turnlock_tests::project;

/// The most lines that a file of code has.
const LINES: usize = 400;

/// Every file under a folder of the project with one of these ends.
fn files(folder: &str, ends: &[&str]) -> Vec<(PathBuf, String)> {
    let mut folders = vec![project::root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_ours = |name: &str| !name.starts_with('.') && name != "target";
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && is_ours(&name) {
                folders.push(path);
            } else if ends.iter().any(|end| name.ends_with(end)) {
                let text = fs::read_to_string(&path).expect("a text");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing to look at in {folder}");
    found
}

fn assert_without(files: &[(PathBuf, String)], words: &[&str]) {
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            for word in words {
                let place = format!("{}:{}", path.display(), number + 1);
                assert!(!line.contains(word), "{place} has {word:?}: {line}");
            }
        }
    }
}

#[test]
fn a_rotator_knows_no_label_and_has_no_client_of_secrets_manager() {
    let words = ["AWSPENDING", "AWSCURRENT", "AWSPREVIOUS", "aws_sdk_secretsmanager"];
    assert_without(&files("rotators", &[".rs"]), &words);
}

#[test]
fn a_file_of_code_is_under_400_lines() {
    for (path, text) in files(".", &[".rs"]) {
        let lines = text.lines().count();
        assert!(lines <= LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn nothing_is_left_to_do_and_no_lint_is_silenced() {
    // In two parts each, so that this line is none that it forbids.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[", "allow"),
        concat!("#![", "allow"),
        concat!("#[", "ignore"),
    ];
    assert_without(&files(".", &[".rs", ".toml"]), &words);
}

/// Their manifest says `test = false`.
#[test]
fn no_test_is_in_a_program_that_is_not_built_as_a_test() {
    let test = concat!("#[", "test]");
    let asynchronous = concat!("#[", "tokio::test");
    for folder in ["tests/src/bin", "tests/interop"] {
        assert_without(&files(folder, &[".rs"]), &[test, asynchronous]);
    }
}

#[test]
fn the_rotator_of_the_readme_is_the_one_that_is_tested() {
    let read = |name| fs::read_to_string(project::root().join(name)).expect("a text");
    let code = read("examples/own-rotator/src/lib.rs");
    let (_, code) = code.split_once("\n\n").expect("code after the first words");
    assert!(read("README.md").contains(code), "the README has another text");
}
