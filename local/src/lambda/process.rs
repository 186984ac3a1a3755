//! Starts the process of an environment, with what Lambda puts in its environment.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::environment::Environment;
use super::function::{Deployed, Target};
use super::pipe::Pipe;
use super::runtime_api;
use crate::REGION;

/// What a program takes from here in order to start at all; no AWS credentials, no proxies.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_LAMBDA_LOG_LEVEL",
];

/// Starts a process, which serves until it exits, is killed, or all tasks are stopped.
pub(super) async fn start(deployed: &Deployed) -> io::Result<Arc<Environment>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let environment = Arc::new(Environment::new(&deployed.name, deployed.arn()));
    let mut child = command(deployed, &environment, listener.local_addr()?).spawn()?;
    let sinks = [deployed.output.clone(), environment.log.clone()];
    let ends = [
        child.stdout.take().map(ChildStdout::into_owned_fd),
        child.stderr.take().map(ChildStderr::into_owned_fd),
    ];
    for end in ends.into_iter().flatten() {
        let pipe = environment.prints_to(Pipe::new(end?, sinks.clone())?);
        deployed.tasks.spawn(async move { pipe.copy().await });
    }
    let pid = child.id();
    environment.freezer.watch(pid);
    deployed.processes.add(&environment, pid);
    let processes = deployed.processes.clone();
    let watched = environment.clone();
    deployed.tasks.spawn(async move {
        let status = tend(&mut child, &watched, listener).await;
        processes.remove(&watched.access_key_id, pid);
        watched.set_exited(status);
    });
    Ok(environment)
}

/// Serves the process until it is gone; tells how it ended.
async fn tend(child: &mut Child, environment: &Arc<Environment>, listener: TcpListener) -> String {
    // Whoever is to be killed does not hear before that its Runtime API is gone.
    let served = runtime_api::serve(environment.clone(), listener);
    tokio::pin!(served);
    tokio::select! {
        status = child.wait() => match status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        },
        () = environment.doom() => {
            // It may have exited by itself just now.
            let _killed = child.kill().await;
            "signal: killed".to_owned()
        }
        () = &mut served => "killed".to_owned(),
    }
}

fn command(deployed: &Deployed, environment: &Environment, runtime_api: SocketAddr) -> Command {
    let Target::Command { program, args, env } = &deployed.function.target else {
        return Command::new("false");
    };
    let mut command = Command::new(program);
    command.args(args).env_clear().stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.envs(inherited);
    let parent = program.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or_else(|| Path::new("."));
    command
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &deployed.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", deployed.function.memory_mb.to_string())
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", deployed.name))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", &environment.access_key_id)
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_turnlock_local")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", &environment.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_SESSION_TOKEN", "local")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", &deployed.endpoint)
        .env("SECRETS_MANAGER_ENDPOINT", &deployed.endpoint)
        .env("LAMBDA_TASK_ROOT", folder)
        .env("_HANDLER", "bootstrap")
        .env("TZ", ":UTC")
        .envs(env.iter().map(|(name, value)| (name, value)));
    command
}
