use super::{app, parts, statement};
use crate::settings::statements::{creation, difference, letting_in};
use crate::settings::{Settings, compare};
use crate::tokens::Tokens;
use crate::version::Version;

/// A server's version, a user's attribute and the row of `SHOW CREATE USER`.
///
/// What was read, printed as the server does, reads as the same; what is made of it is one statement each, and none
/// where nothing differs.
pub fn users(data: &[u8]) {
    let Some([version, attribute, row]) = parts(data) else { return };
    let Some(version) = Version::parse(version) else { return };
    let attribute = Some(attribute).filter(|text| !text.is_empty());
    drop(Tokens::of(row, version));
    let Ok(settings) = Settings::read(row, attribute, &app(), version) else { return };
    let read = |row: &str| Settings::read(row, attribute, &app(), version);
    if let Some(printed) = settings.printed(&app(), version) {
        let again = read(&printed).expect("what was read is read again");
        assert!(compare(&settings, &again).is_empty(), "{printed}");
        assert_eq!((again.is_locked, again.is_expired), (settings.is_locked, settings.is_expired));
        assert_eq!(again.rules, settings.rules);
        assert_eq!(again.printed(&app(), version), Some(printed));
    }
    assert!(difference(&settings, &settings, &app(), None, version).iter().all(|text| {
        // Whose password is expired has its lifetime set again.
        settings.is_expired && text.contains(" PASSWORD EXPIRE ")
    }));
    let fresh = Settings::default();
    let mut all = difference(&fresh, &settings, &app(), Some("{\"v\": 1}"), version);
    all.extend(difference(&settings, &fresh, &app(), None, version));
    all.iter().for_each(|text| statement::is_one(text));
    for made in [
        creation(&settings, &app(), &settings.rules, None, version),
        letting_in(&app(), &settings.rules, version),
    ] {
        statement::is_one(made.expose());
    }
}
