//! A login without TLS, watched so that no password is asked for that only TLS would keep secret.
//!
//! Of `mysql_native_password` the server is sent a proof that tells nobody the password. The plugins of MySQL 8 begin
//! so too, but then ask for the password itself, encrypted for a key that anybody between could have sent. The
//! driver would ask for that key before it gives up.

/// The greeting's packet and the name of a plugin are shorter.
const ENOUGH: usize = 1024;
const HEADER: usize = 4;
/// The name of the plugin that does not even begin with a proof.
const WITHOUT_PROOF: &[u8] = b"sha256_password\0";

const OK: u8 = 0x00;
const MORE_DATA: u8 = 0x01;
const SWITCH: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// What the server has said so far.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    /// The packet that is under way, so much of it as counts.
    packet: Vec<u8>,
    /// How much of it has come.
    come: usize,
    is_greeted: bool,
    is_over: bool,
}

impl Plain {
    /// Whether the driver may hear this.
    pub(crate) fn passes(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if self.is_over {
                return true;
            }
            if self.packet.len() < ENOUGH {
                self.packet.push(*byte);
            }
            self.come += 1;
            if self.is_complete() && !self.packet_passes() {
                return false;
            }
        }
        true
    }

    fn is_complete(&self) -> bool {
        match self.packet.first_chunk::<HEADER>() {
            Some([low, middle, high, _]) => {
                let length = u32::from_le_bytes([*low, *middle, *high, 0]);
                usize::try_from(length).is_ok_and(|length| self.come >= HEADER + length)
            }
            None => false,
        }
    }

    fn packet_passes(&mut self) -> bool {
        let packet = std::mem::take(&mut self.packet);
        self.come = 0;
        let payload = packet.get(HEADER..).unwrap_or_default();
        let names_it =
            || payload.windows(WITHOUT_PROOF.len()).any(|window| window == WITHOUT_PROOF);
        if !self.is_greeted {
            self.is_greeted = true;
            // What was not looked at could name a plugin.
            return payload.len() < ENOUGH - HEADER && !names_it();
        }
        match payload.first() {
            Some(&MORE_DATA) => false,
            Some(&SWITCH) => !names_it(),
            Some(&(OK | ERROR)) | None => {
                self.is_over = true;
                true
            }
            Some(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[length, 0, 0, 1], payload].concat()
    }

    fn greeting(plugin: &str) -> Vec<u8> {
        packet(format!("\n9.7.4\0............{plugin}\0").as_bytes())
    }

    /// Shows it piece by piece, as a network may have it.
    fn passes(packets: &[Vec<u8>], piece: usize) -> bool {
        let mut login = Plain::default();
        packets.concat().chunks(piece).all(|bytes| login.passes(bytes))
    }

    #[test]
    fn a_proof_and_the_answer_to_it_pass_and_all_that_comes_after() {
        let switch = packet(b"\xfemysql_native_password\0nonce\0");
        let all =
            [greeting("caching_sha2_password"), switch, packet(b"\0\0\0"), packet(b"\x01\x04")];
        for piece in [1, 3, 1000] {
            assert!(passes(&all, piece), "{piece}");
        }
        assert!(passes(
            &[greeting("mysql_native_password"), packet(b"\xffwrong"), packet(b"\x01")],
            7
        ));
    }

    #[test]
    fn a_question_for_the_password_itself_does_not_pass() {
        let asked = [greeting("caching_sha2_password"), packet(b"\x01\x04")];
        let known = [greeting("caching_sha2_password"), packet(b"\x01\x03"), packet(b"\0")];
        let switched = [greeting("mysql_native_password"), packet(b"\xfesha256_password\0nonce")];
        let greeted = [greeting("sha256_password")];
        for piece in [1, 3, 1000] {
            for all in [asked.as_slice(), &known, &switched, &greeted] {
                assert!(!passes(all, piece), "{piece} {all:?}");
            }
        }
    }

    #[test]
    fn a_packet_of_any_length_is_passed_over_but_a_greeting() {
        let mut long = vec![0xff, 0xff, 0, 0];
        long.resize(HEADER + 0xffff, b'x');
        let greeted = greeting("caching_sha2_password");
        assert!(passes(&[greeted.clone(), long.clone(), packet(b"\0")], 1000));
        assert!(!passes(&[greeted, long.clone(), packet(b"\x01\x04")], 1000));
        assert!(!passes(&[long], 1000));
    }
}
