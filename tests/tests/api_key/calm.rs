//! A calm rotation of a key: what is asked, how often, and what consumers have meanwhile.

use turnlock_tests::provider::{Authentication, Paging, Setup};
use turnlock_tests::world::keys::{ACCOUNT, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rotated_twice_and_the_one_before_lives_until_the_next_rotation() {
    let world = World::start(Setup { limit: Some(2), ..Setup::default() }).await;
    world.rotate().await.expect("the first rotation");
    assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"));
    assert_eq!(world.key("AWSPREVIOUS"), world.first.value);
    let second = world.key("AWSCURRENT");
    world.provider.clear_calls();
    world.rotate().await.expect("the second rotation");
    assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"));
    assert_eq!(world.key("AWSPREVIOUS"), second);
    assert!(!world.provider.accepts(&world.first.value));
    assert_eq!(world.provider.most_at_once(ACCOUNT), 2);
    let calls = world.provider.calls();
    assert_eq!(calls, ["test", "test", "retire", "test", "list", "create", "test", "test"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_authenticate_and_to_page_is_spoken() {
    for (authentication, paging, tls) in [
        (Authentication::Bearer, Paging::Page(1), false),
        (Authentication::Header("X-Api-Key"), Paging::Cursor(1), true),
        (Authentication::Basic, Paging::Link(1), false),
        (Authentication::Query("api_key"), Paging::None, true),
    ] {
        let setup = Setup { authentication, paging, tls, odd_keys: true, ..Setup::default() };
        let world = World::start(setup).await;
        for _ in 0..2 {
            world.rotate().await.expect("a rotation");
        }
        assert_eq!(world.ids().len(), 2, "{authentication:?}");
        assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"));
    }
}
