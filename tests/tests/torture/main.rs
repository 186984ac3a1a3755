//! Rotations that are interrupted at every message, on real servers: nobody is ever locked out.

use turnlock_tests::torture::{Subject, Summary};

/// Fails with what was broken, or if too little was tried.
fn assert_unbroken(summary: &Summary, floor: usize) {
    let Summary { name, points, violations, .. } = summary;
    assert!(violations.is_empty(), "{name}, {points} points:\n{}", violations.join("\n"));
    assert!(*points >= floor, "{name}: only {points} points");
}

async fn sweep(name: &str, floor: usize) {
    let subjects = Subject::all();
    let subject = subjects.iter().find(|subject| subject.name() == name);
    let subject = subject.unwrap_or_else(|| panic!("no subject {name}"));
    assert_unbroken(&subject.sweep(|_| ()).await, floor);
}

#[tokio::test]
async fn postgres_single_user_survives_an_interruption_at_any_message() {
    sweep("postgres single-user", 50).await;
}
