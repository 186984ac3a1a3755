//! The function's binary.

fn main() -> std::process::ExitCode {
    turnlock::run(own_rotator::Redis)
}
