//! A program that uses the database as if there were no rotation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{ConnectOptions, Connection as _};
use tokio::time::sleep;

use crate::Problem;
use crate::stage::{Place, Stage};
use crate::tally::Tally;

const PAUSE: Duration = Duration::from_millis(10);

/// A session of a place's consumer.
pub(crate) type Session<P> = <<P as Place>::Options as ConnectOptions>::Connection;

/// Reads the secret, logs in and works, again and again until all is over.
pub(crate) async fn hammer<P: Place, T>(
    stage: &Stage<P>,
    tally: &Tally,
    over: &AtomicBool,
    work: impl AsyncFn(&mut Session<P>) -> Result<T, String>,
) -> Result<(), Problem> {
    while !over.load(Ordering::Relaxed) {
        let (user, consumer) = stage.consumer("AWSCURRENT");
        let result = match consumer.log_in().await {
            Ok(Some(mut session)) => {
                let done = work(&mut session).await.map(drop);
                session.close().await?;
                done.map_err(|problem| format!("{user}: {problem}"))
            }
            Ok(None) => Err(format!("{user} is refused")),
            Err(error) => Err(format!("{user}: {error}")),
        };
        tally.add(result);
        sleep(PAUSE).await;
    }
    Ok(())
}
