//! A user whose name ends in `_clone`, though it is nobody's second user.

use serde_json::json;
use turnlock_tests::postgres::Logins;
use turnlock_tests::world::{ADMIN, FUNCTION, World, secret_of};

use crate::Problem;
use crate::checks::Checks;
use crate::screen::{Ink, Line};
use crate::stage::Stage;
use crate::text::wrapped;

/// Rotates the user's secret, which has to be refused; returns what there is to read.
pub(crate) async fn refused(
    stage: &mut Stage<World>,
    checks: &mut Checks,
) -> Result<Vec<Line>, Problem> {
    const PASSWORD: &str = "the-password-of-svc-clone";
    let world = &mut stage.world;
    let make = format!(
        "SET ROLE {ADMIN}; CREATE ROLE svc LOGIN PASSWORD 'of-somebody-else'; \
         CREATE ROLE svc_clone LOGIN PASSWORD '{PASSWORD}'"
    );
    world.server.sql(&make).await;
    let mut secret = secret_of(&world.server, "svc_clone", &json!(PASSWORD));
    secret["masterarn"] = world.document("AWSCURRENT")["masterarn"].clone();
    world.secret = world.local.create_secret("svc", &secret.to_string())?;
    world.local.set_rotation(&world.secret, FUNCTION)?;

    let before = world.account("svc").await;
    let Err(error) = world.rotate().await else {
        checks.add(false, "the rotation of svc_clone is refused");
        return Ok(Vec::new());
    };
    checks.add(error.class == "refused", "the rotation of svc_clone is refused");
    let untouched = world.account("svc").await == before;
    let untried = world.server.logins("svc").await == Logins::default();
    checks.add(untouched && untried, "svc is as it was, to the byte, and nobody tried to log in");
    let works = world.server.can_log_in("svc_clone", PASSWORD, "postgres").await;
    checks.add(works, "svc_clone still logs in with its password");

    let line = |text: String| Line::new().add(Ink::Plain, format!("  {text}"));
    Ok(wrapped(&error.message, ' ', 92).into_iter().map(line).collect())
}
