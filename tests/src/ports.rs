//! Ports that servers of the tests can be told to listen on.

use std::net::{Ipv4Addr, TcpListener};

use rand::TryRng as _;
use rand::rngs::SysRng;

/// Below the ports that Linux gives to connections that go out, by ip(7): between two starts of a server, none of them
/// takes its port.
const FIRST: u16 = 20_000;
const AFTER_LAST: u16 = 32_768;
const TRIES: usize = 100;

/// A port that nothing listens on.
///
/// # Panics
///
/// If none is found.
pub fn free() -> u16 {
    for _ in 0..TRIES {
        let drawn = SysRng.try_next_u32().expect("the system has random numbers");
        let offset = drawn % u32::from(AFTER_LAST - FIRST);
        let port = FIRST + u16::try_from(offset).expect("less than the range");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port in {TRIES} tries");
}
