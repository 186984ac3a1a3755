//! `make errors`: provokes errors of each class on real servers and prints what the function says.

use std::io::{self, Write as _};

use turnlock_tests::errors::SITUATIONS;

#[tokio::main]
async fn main() -> io::Result<()> {
    let begun = SITUATIONS.map(|situation| (situation, situation.begin()));
    let mut last = "";
    for (situation, text) in begun {
        let text = text.await?;
        let mut lines = String::new();
        if situation.class != last {
            lines += &format!("\n{}\n", situation.class);
            last = situation.class;
        }
        lines += &format!("\n  {}:\n    {text}\n", situation.what);
        io::stdout().write_all(lines.as_bytes())?;
    }
    writeln!(io::stdout(), "\ndocs/errors.md says what each asks you to do.")
}
