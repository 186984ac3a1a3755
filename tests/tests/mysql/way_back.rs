//! AWSCURRENT is dead at MySQL or MariaDB and an older version works: the rotation goes on with that one.

use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::one_user::Way;
use turnlock_tests::world::mysql::{ADMIN, FIRST_PASSWORD, USER, World};

/// The ways without an admin, who would not need an older version.
const OWN: [Way; 3] = [Way::SINGLE[0], Way::SINGLE[2], Way::DUAL_OWN];

/// Gives the user one password, as a person would; the second one is gone.
async fn set_by_hand(world: &World, password: &str) {
    let discard = match world.server.product() {
        Product::MySql => "; ALTER USER app@'%' DISCARD OLD PASSWORD",
        Product::MariaDb => "",
    };
    let set = format!("ALTER USER app@'%' IDENTIFIED BY '{password}'{discard}");
    world.server.sql(&set).await;
    assert!(!world.logs_in("AWSCURRENT").await);
}

#[tokio::test]
async fn a_password_of_the_previous_version_or_of_one_without_a_label_sets_the_next_one() {
    for way in OWN {
        let world = way.start(Setup::default()).await;
        for _ in 0..3 {
            world.rotate().await.expect("a rotation");
        }
        for age in [1, 3] {
            let versions = world.local.versions(&world.secret);
            let old = world.password(&versions[versions.len() - 1 - age]);
            set_by_hand(&world, &old).await;
            let rotated = world.rotate().await;
            rotated.unwrap_or_else(|error| panic!("{way:?}, {age}: {error:?}"));
            assert!(world.logs_in("AWSCURRENT").await);
            // Kept as the second one, where there is a second: nothing else was the first.
            assert_eq!(world.accepts(&old).await, way.keeps, "{way:?}");
            world.rotate().await.expect("the next rotation is calm");
            world.assert_rotated(way).await;
        }
    }
}

#[tokio::test]
async fn the_password_of_a_rotation_that_was_given_up_sets_the_next_one() {
    for way in OWN {
        let world = way.start(Setup::default()).await;
        world.rotate().await.expect("a rotation");
        for _ in 0..2 {
            let given_up = world.abandon().await;
            world.abandon().await;
            // The first one is dead for one user with one password: the second one has found and replaced it.
            assert!(!world.logs_in(&given_up).await);
            world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            world.assert_rotated(way).await;
        }
    }
}

#[tokio::test]
async fn an_older_password_that_is_the_second_one_stays_the_second_one() {
    let world = Way::DUAL_OWN.start(Setup::default()).await;
    world.rotate().await.expect("a rotation");
    let stranger = "ALTER USER app@'%' IDENTIFIED BY 'set-by-hand'";
    set_by_hand(&world, FIRST_PASSWORD).await;
    world.server.sql(&format!("{stranger} RETAIN CURRENT PASSWORD")).await;
    world.rotate().await.expect("the second password is enough");
    assert!(world.logs_in("AWSCURRENT").await);
    assert!(world.accepts(FIRST_PASSWORD).await);
    assert!(!world.accepts("set-by-hand").await);
}

#[tokio::test]
async fn a_history_of_passwords_hinders_neither_a_repetition_nor_the_healing() {
    for way in Way::all().filter(|way| way.product == Product::MySql) {
        let world = way.start(Setup::default()).await;
        world.server.sql("ALTER USER app@'%' PASSWORD HISTORY 10").await;
        for _ in 0..2 {
            let version = world.rotate_but_for_the_end().await;
            for _ in 0..2 {
                let repeated = world.step("setSecret", &version).await;
                repeated.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            }
            world.clear_pending(&version);
            world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            world.assert_rotated(way).await;
        }
    }
}

#[tokio::test]
async fn an_account_that_takes_a_password_only_with_the_one_before_is_rotated_and_repeated() {
    for way in Way::all().filter(|way| way.product == Product::MySql) {
        let world = way.start(Setup::default()).await;
        world.server.sql("ALTER USER app@'%' PASSWORD REQUIRE CURRENT").await;
        for _ in 0..2 {
            let version = world.rotate_but_for_the_end().await;
            for _ in 0..2 {
                let repeated = world.step("setSecret", &version).await;
                repeated.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            }
            world.retry().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            world.assert_rotated(way).await;
        }
    }
}

#[tokio::test]
async fn a_first_password_that_nobody_has_is_named_where_the_server_asks_for_it() {
    let way = Way::DUAL_OWN;
    let world = way.start(Setup::default()).await;
    world.server.sql("ALTER USER app@'%' PASSWORD REQUIRE CURRENT").await;
    world.abandon().await;
    let error = world.rotate().await.expect_err("the first password is not known");
    error.assert_is("setSecret", "refused", &["PASSWORD REQUIRE CURRENT"]);
    assert!(world.logs_in("AWSCURRENT").await, "consumers are not concerned");
    world.server.sql("ALTER USER app@'%' PASSWORD REQUIRE CURRENT OPTIONAL").await;
    world.retry().await.expect("the rotation goes on");
    world.assert_rotated(way).await;
}

#[tokio::test]
async fn an_admin_keeps_the_password_that_somebody_has_set_and_not_the_one_that_was_taken_away() {
    for way in Way::DUAL.into_iter().filter(|way| way.by_admin) {
        let world = way.start(Setup::default()).await;
        world.rotate().await.expect("a rotation");
        let (previous, current) = (world.password("AWSPREVIOUS"), world.password("AWSCURRENT"));
        set_by_hand(&world, "set-by-hand").await;
        let version = world.rotate_but_for_the_end().await;
        for _ in 0..2 {
            assert!(world.logs_in(&version).await, "{way:?}");
            assert!(world.accepts("set-by-hand").await, "{way:?}");
            for dead in [&previous, &current] {
                assert!(!world.accepts(dead).await, "{way:?}: it was taken away");
            }
            world.step("setSecret", &version).await.expect("a step can be repeated");
        }
        world.retry().await.expect("the rotation goes on");
        world.rotate().await.expect("a rotation");
        world.assert_rotated(way).await;
        assert!(!world.accepts("set-by-hand").await, "{way:?}");
    }
}

#[tokio::test]
async fn a_password_that_nobody_knows_is_an_error_that_names_the_admin_and_an_admin_heals_it() {
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        let mark = world.mark();
        set_by_hand(&world, "set-by-hand").await;
        let rotated = world.rotate().await;
        if way.by_admin {
            rotated.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            assert!(world.logs_in("AWSCURRENT").await);
            let logins = world.server.logins_since(mark, ADMIN).await;
            assert!(logins.accepted > 0);
        } else {
            let error = rotated.expect_err("no version logs in");
            error.assert_is("setSecret", "auth-rejected", &["masterarn", USER]);
            assert!(world.accepts("set-by-hand").await, "{way:?}");
        }
    }
}
