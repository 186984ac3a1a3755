//! What was promised, and whether it was kept.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use turnlock_tests::world::{USER, World};

use crate::Problem;
use crate::costs::Cost;
use crate::screen::{Ink, Line};
use crate::stage::Stage;

/// One promise each, and whether it was kept.
#[derive(Default)]
pub(crate) struct Checks(Vec<(bool, String)>);

impl Checks {
    /// Looks at everything once more, after two rotations.
    pub(crate) async fn make(
        stage: &Stage<World>,
        mut session: PgConnection,
        costs: &[Cost],
    ) -> Result<Self, Problem> {
        let passwords = stage.passwords();
        let [first, second, third] = passwords.as_slice() else {
            return Err(format!("the secret has had {} passwords, not 3", passwords.len()).into());
        };
        let mut checks = Vec::new();
        let mut let_in = Vec::new();
        for password in &passwords {
            let_in.push(stage.consumers.consumer(USER, &password.value).log_in().await?.is_some());
        }
        let text = "the database refuses p1 and p2, and lets p3 in".to_owned();
        checks.push((let_in == [false, false, true], text));

        let stays = session.ping().await.is_ok();
        let text = "a session that was opened with p1 before all this is still open".to_owned();
        checks.push((stays, text));

        let labels = stage.world.labels();
        let expected = [("AWSCURRENT", &third.version), ("AWSPREVIOUS", &second.version)];
        let right = labels.len() == expected.len()
            && expected.iter().all(|(label, version)| labels.get(*label) == Some(*version));
        checks
            .push((right, "p3 is AWSCURRENT, p2 is AWSPREVIOUS, nothing is AWSPENDING".to_owned()));

        let put_back = stage.current_text().map(|now| now.replacen(&third.value, &first.value, 1));
        let bytes = stage.text.len() - first.value.len();
        let text =
            format!("besides the password, all {bytes} bytes of the secret are as they were");
        checks.push((put_back.as_ref() == Some(&stage.text), text));

        let cheap = |cost: &Cost| {
            let logins = cost.logins;
            (logins.accepted, logins.failed, logins.plaintext) == (2, 0, 0) && cost.calls <= 11
        };
        let text = "a rotation takes 2 logins over TLS, 0 refused, and 11 calls to Secrets Manager";
        checks.push((costs.iter().all(cheap), text.to_owned()));

        let (log, output) = (stage.world.server.log(), stage.output());
        let seen = |text: &str| text.contains(&second.value) || text.contains(&third.value);
        let text = "neither the database's log of all statements nor the function's has p2 or p3";
        checks.push((!seen(&log) && !seen(&output), text.to_owned()));
        Ok(Self(checks))
    }

    pub(crate) fn add(&mut self, kept: bool, promise: impl Into<String>) {
        self.0.push((kept, promise.into()));
    }

    pub(crate) fn all_kept(&self) -> bool {
        self.0.iter().all(|(kept, _)| *kept)
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        let line = |(kept, text): &(bool, String)| {
            let (mark, ink) = if *kept { ("✓", Ink::Good) } else { ("✗ NOT SO:", Ink::Bad) };
            Line::new().add(ink, format!("  {mark} ")).add(Ink::Plain, text.as_str())
        };
        self.0.iter().map(line).collect()
    }
}
