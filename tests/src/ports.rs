//! Ports that servers of the tests can be told to listen on.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rand::TryRng as _;
use rand::rngs::SysRng;

/// Below the ports that Linux gives to connections that go out, by ip(7): between two starts of a server, none of them
/// takes its port.
const FIRST: u16 = 20_000;
const COUNT: u32 = 12_768;
const TRIES: usize = 1_000;

/// A port that nothing listens on, and another one each time: who stops its server finds its port free later.
///
/// # Panics
///
/// If none is found.
pub fn free() -> u16 {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let start = || SysRng.try_next_u32().expect("the system has random numbers") % COUNT;
    let next = NEXT.get_or_init(|| AtomicU32::new(start()));
    for _ in 0..TRIES {
        let offset = next.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + u16::try_from(offset).expect("less than the range");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port in {TRIES} tries");
}
