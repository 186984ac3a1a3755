//! Rotations that are interrupted at every message, on real servers: nobody is ever locked out.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

mod fuse;

use turnlock_tests::torture::{Extent, Subject, Summary};

/// Interrupts a subject's rotations everywhere. Fails with what was broken, or if too little was tried.
async fn assert_survives(name: &str, floor: usize) {
    let subjects = Subject::all();
    let subject = subjects.iter().find(|subject| subject.name() == name);
    let subject = subject.unwrap_or_else(|| panic!("no subject {name}"));
    let Summary { points, violations, .. } = subject.sweep(Extent::Brief, || ()).await;
    assert!(violations.is_empty(), "{name}, {points} points:\n{}", violations.join("\n"));
    assert!(points >= floor, "{name}: only {points} points");
}

#[test]
fn every_subject_has_a_test() {
    let tests = include_str!("main.rs");
    for subject in Subject::all() {
        let name = format!("assert_survives(\"{}\", ", subject.name());
        assert!(tests.contains(&name), "no test of {}", subject.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn postgres_single_user_survives_interruptions() {
    assert_survives("postgres single-user", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn postgres_single_user_by_an_admin_survives_interruptions() {
    assert_survives("postgres single-user by an admin", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn postgres_alternating_users_survive_interruptions() {
    assert_survives("postgres alternating-users", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn postgres_alternating_users_of_whom_the_second_is_made_survive_interruptions() {
    assert_survives("postgres alternating-users, the second to be made", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mysql_single_user_survives_interruptions() {
    assert_survives("mysql single-user", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mysql_single_user_by_an_admin_survives_interruptions() {
    assert_survives("mysql single-user by an admin", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mysql_dual_password_survives_interruptions() {
    assert_survives("mysql dual-password", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mysql_dual_password_by_an_admin_survives_interruptions() {
    assert_survives("mysql dual-password by an admin", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mysql_alternating_users_survive_interruptions() {
    assert_survives("mysql alternating-users", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mysql_alternating_users_of_whom_the_second_is_made_survive_interruptions() {
    assert_survives("mysql alternating-users, the second to be made", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mariadb_single_user_survives_interruptions() {
    assert_survives("mariadb single-user", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mariadb_single_user_by_an_admin_survives_interruptions() {
    assert_survives("mariadb single-user by an admin", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mariadb_dual_password_by_an_admin_survives_interruptions() {
    assert_survives("mariadb dual-password by an admin", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mariadb_alternating_users_survive_interruptions() {
    assert_survives("mariadb alternating-users", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mariadb_alternating_users_of_whom_the_second_is_made_survive_interruptions() {
    assert_survives("mariadb alternating-users, the second to be made", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn overlapping_keys_survive_interruptions() {
    assert_survives("keys overlapping-keys", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn overlapping_keys_by_an_admin_survive_interruptions() {
    assert_survives("keys overlapping-keys by an admin", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn overlapping_keys_with_a_list_in_pages_survive_interruptions() {
    assert_survives("keys overlapping-keys, a list in pages", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn overlapping_secrets_of_a_client_survive_interruptions() {
    assert_survives("keys overlapping-keys, secrets of a client", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keys_that_are_regenerated_by_an_admin_survive_interruptions() {
    assert_survives("keys regenerate by an admin", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keys_that_are_drawn_here_survive_interruptions() {
    assert_survives("keys single-user", 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn refresh_tokens_survive_interruptions() {
    assert_survives("keys refresh-token", 60).await;
}
