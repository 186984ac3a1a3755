//! Each strategy keeps the whole contract, whatever happens to its rotations.

use turnlock::testing::contract;

use crate::world::database::Strategy;
use crate::world::tried::{database, keys};

#[tokio::test]
async fn a_single_user_keeps_the_contract() {
    let report = contract::run(async |fuse| database(fuse, Strategy::SingleUser, false)).await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn a_single_user_with_an_admin_keeps_the_contract() {
    let report = contract::run(async |fuse| database(fuse, Strategy::SingleUser, true)).await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn alternating_users_keep_the_contract() {
    let report = contract::run(async |fuse| database(fuse, Strategy::AlternatingUsers, true)).await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn a_dual_password_keeps_the_contract() {
    let report = contract::run(async |fuse| database(fuse, Strategy::DualPassword, false)).await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn overlapping_keys_keep_the_contract() {
    let report = contract::run(async |fuse| keys(fuse, 2, false)).await;
    println!("{report}");
    report.assert_kept();
}

#[tokio::test]
async fn overlapping_keys_with_an_admin_keep_the_contract() {
    let report = contract::run(async |fuse| keys(fuse, 2, true)).await;
    println!("{report}");
    report.assert_kept();
}
