//! `template.yaml` keeps the rules that no tool knows.

use std::process::Command;

use turnlock_tests::project;

#[test]
fn the_template_passes_the_checks_of_our_own() {
    let checked = Command::new(project::cache().join("deploy/bin/python"))
        .args(["-W", "ignore", "tests/deploy/checks.py"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(project::root())
        .output()
        .expect("Python is installed: run tests/setup test");
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&said));
}
