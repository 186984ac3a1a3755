//! Keys as text, RFC 7468.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use turnlock::Sensitive;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const LINE: usize = 64;

/// The first private key of a text, with the label that says its form.
pub(super) fn read(text: &str) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let mut rest = text;
    loop {
        let (label, after) = rest.split_once(BEGIN)?.1.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        let after = after.strip_prefix(label)?.strip_prefix("-----")?;
        if label.ends_with("PRIVATE KEY") {
            let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
            base64.extend(body.split_ascii_whitespace());
            return Some((label, Zeroizing::new(STANDARD.decode(base64.as_bytes()).ok()?)));
        }
        // What `openssl ecparam -genkey` writes before its key.
        rest = after;
    }
}

/// A private key in PKCS#8.
pub(super) fn write(pkcs8: &[u8]) -> Sensitive {
    let base64 = Zeroizing::new(STANDARD.encode(pkcs8));
    let mut text = String::with_capacity(base64.len() + base64.len() / LINE + 64);
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    for line in base64.as_bytes().chunks(LINE) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    Sensitive::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 47, 48, 49, 2400] {
            let der: Vec<u8> = (0..=255).cycle().take(length).collect();
            let text = write(&der);
            assert!(text.expose().lines().all(|line| line.len() <= LINE));
            let (label, read) = read(text.expose()).unwrap();
            assert_eq!((label, read.to_vec()), ("PRIVATE KEY", der));
        }
    }

    #[test]
    fn a_key_is_found_after_its_parameters_and_with_other_line_ends() {
        let text = "-----BEGIN EC PARAMETERS-----\r\nAAAA\r\n-----END EC PARAMETERS-----\r\n\
            -----BEGIN EC PRIVATE KEY-----\r\nAQID\r\nBAUG\r\n-----END EC PRIVATE KEY-----";
        let (label, der) = read(text).unwrap();
        assert_eq!((label, der.to_vec()), ("EC PRIVATE KEY", vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn what_is_no_private_key_is_not_read() {
        for text in [
            "",
            "AQID",
            "-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQID",
            "-----BEGIN PRIVATE KEY-----\nAQID\n-----END EC PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nA*ID\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END RSA PRIVATE KEY-----",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
