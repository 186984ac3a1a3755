//! `turnlock-local serve`: Secrets Manager and the Lambda runtime on this machine.

mod options;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;
use turnlock_local::Local;

use options::{Options, Serve};

fn main() -> ExitCode {
    let Options { command: options::Command::Serve(serve) } = Options::parse();
    let level = if serve.quiet { LevelFilter::WARN } else { LevelFilter::INFO };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_target(false)
        .init();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(serve))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "turnlock-local cannot go on");
            ExitCode::FAILURE
        }
    }
}

/// Serves until it is told to stop.
async fn run(serve: Serve) -> io::Result<()> {
    let (mut interrupted, mut terminated) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    serve.check().map_err(io::Error::other)?;
    let faults = serve.faults.clone();
    let local = serve.builder().start().await?;
    for fault in faults {
        local.fail_next(fault.operation, fault.count, fault.fault);
    }
    introduce(&local);
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    local.stop().await;
    Ok(())
}

/// Says how to use it: the first line is a shell command.
fn introduce(local: &Local) {
    let endpoint = local.endpoint();
    let mut text = format!(
        "export AWS_ENDPOINT_URL_SECRETS_MANAGER={endpoint} AWS_ENDPOINT_URL_LAMBDA={endpoint} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n"
    );
    for name in local.functions() {
        let arn = local.function_arn(&name);
        text.push_str(&format!("# rotate with --rotation-lambda-arn {arn}\n"));
    }
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever started it may read the first line only, or none.
        tracing::warn!(%error, "nobody reads the introduction");
    }
}
