use std::time::SystemTime;

use super::*;

fn asked(text: &str) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, text.parse().unwrap());
    retry_after(&headers)
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    assert_eq!(asked("0"), Some(Duration::ZERO));
    assert_eq!(asked(" 120 "), Some(Duration::from_secs(120)));
    let minute = Duration::from_secs(60);
    let date = asked(&httpdate::fmt_http_date(SystemTime::now() + minute)).unwrap();
    assert!(date > minute / 2 && date <= minute, "{date:?}");
}

#[test]
fn a_date_that_is_over_asks_for_no_wait() {
    assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
}

#[test]
fn what_is_neither_seconds_nor_a_date_asks_for_nothing() {
    for text in ["", "soon", "-1", "1.5", "1e3", "99999999999999999999999", "2015-10-21"] {
        assert_eq!(asked(text), None, "{text}");
    }
    assert_eq!(retry_after(&HeaderMap::new()), None);
}

#[test]
fn the_longest_wait_that_can_be_written_is_longer_than_there_is_time() {
    let longest = asked(&u64::MAX.to_string()).unwrap();
    assert!(longest > time_to_wait());
}

#[tokio::test]
async fn without_a_deadline_a_pause_has_an_end() {
    assert_eq!(time_to_wait(), LONGEST_PAUSE);
}

#[test]
fn a_cause_is_found_however_deep() {
    let deep = io::Error::other(io::Error::other(NoSuchName(Class::Dns)));
    assert_eq!(source::<NoSuchName>(&deep).unwrap().0, Class::Dns);
    assert!(source::<rustls::Error>(&deep).is_none());
}
