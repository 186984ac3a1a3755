//! A thousand secrets that are due at once, under the quotas of an account.

#![expect(clippy::print_stdout, reason = "figures of a run are its result, too")]

use turnlock_tests::fleet::{self, Fleet};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_secrets_that_are_due_at_once_all_rotate() {
    let fleet = Fleet { secrets: 1000, environments: 20, throttled: 100 };
    let summary = fleet::run(fleet).await;
    println!("{summary}");
    assert_eq!((summary.rotated, summary.failed), (fleet.secrets, 0));
    assert_eq!(summary.logged_in, fleet.secrets);
    assert!(summary.throttled_invocations > 0 && summary.throttled_writes >= fleet.throttled);
}
