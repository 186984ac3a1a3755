use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

/// What the server looks for: the four parts, of their lengths.
fn parsed(verifier: &str) -> Option<(u32, [Vec<u8>; 3])> {
    let rest = verifier.strip_prefix("SCRAM-SHA-256$")?;
    let (head, keys) = rest.split_once('$')?;
    let ((iterations, salt), (stored, server)) = (head.split_once(':')?, keys.split_once(':')?);
    let decoded = |text: &str| STANDARD.decode(text).ok();
    Some((iterations.parse().ok()?, [decoded(salt)?, decoded(stored)?, decoded(server)?]))
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_verifier_is_of_the_servers_format_whatever_the_password(
        user in "\\PC{1,20}",
        password in prop_oneof!["[!-~]{1,40}", any::<String>()],
        version in "[a-z0-9-]{32,64}",
        iterations in 1..20_u32,
    ) {
        let version = VersionId::new(version);
        let verifier = scram(&user, &Sensitive::new(password.as_str()), &version, iterations);
        let (read, [salt, stored, server]) = parsed(verifier.expose()).unwrap();
        prop_assert_eq!(read, iterations);
        prop_assert_eq!((salt.len(), stored.len(), server.len()), (SALT_BYTES, 32, 32));
        // A client that has the password and the salt proves it by the key whose digest is stored.
        let prepared = stringprep::saslprep(&password);
        let prepared = prepared.as_deref().unwrap_or(&password);
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(prepared.as_bytes(), &salt, iterations);
        prop_assert_eq!(stored, Sha256::digest(mac(&salted, b"Client Key")).to_vec());
        let other = scram(&user, &Sensitive::new(password + "x"), &version, iterations);
        prop_assert_ne!(verifier, other);
    }

    #[test]
    fn the_older_digest_is_of_the_servers_format(user in "\\PC{1,20}", password in any::<String>()) {
        let digest = md5(&user, &Sensitive::new(password));
        let hex = digest.expose().strip_prefix("md5").unwrap();
        prop_assert!(hex.len() == 32 && hex.chars().all(|c| c.is_ascii_hexdigit() && !c.is_uppercase()));
    }
}
