//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use turnlock_local::{Builder, Delivery, Fault, Function, Knobs, Local, Operation, Policy};

/// Secrets Manager and the Lambda runtime on this machine.
#[derive(Debug, Parser)]
#[command(name = "turnlock-local", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve on 127.0.0.1 until Ctrl-C.
    Serve(Serve),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The port; 0 takes one that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A function: a command that speaks the Runtime API, or a URL that speaks Invoke.
    #[arg(long = "function", value_name = "NAME=COMMAND|URL", value_parser = named)]
    functions: Vec<(String, String)>,
    /// A variable for a function's environment.
    #[arg(long = "env", value_name = "NAME:KEY=VALUE", value_parser = variable)]
    variables: Vec<(String, String, String)>,
    /// How many invocations of a function may run at once; Lambda's reserved concurrency.
    #[arg(long = "concurrency", value_name = "NAME=COUNT", value_parser = concurrency)]
    concurrencies: Vec<(String, usize)>,
    /// A file with a policy of IAM that the function's role has; without one it may do everything.
    #[arg(long = "policy", value_name = "NAME=FILE", value_parser = policy)]
    policies: Vec<(String, Policy)>,
    /// The access key id that a function behind a URL signs with.
    #[arg(long = "access-key", value_name = "NAME=ID", value_parser = named)]
    access_keys: Vec<(String, String)>,
    /// Keep the state in this file.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// How long an invocation may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Log warnings and errors only, and don't show what functions print.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Reads by label answer with the state of this long ago.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    label_lag: u64,
    /// Time that every call takes.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
    /// Throttle at the documented quotas.
    #[arg(long)]
    throttle: bool,
    /// How each step is delivered.
    #[arg(long, value_enum, default_value_t = Deliveries::Once)]
    delivery: Deliveries,
    /// How often a rotation is attempted; 0 makes the pending version and leaves the steps to you.
    #[arg(long, default_value_t = 3)]
    attempts: u32,
    /// Time between attempts.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    attempt_spacing: u64,
    /// Time between steps.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    step_spacing: u64,
    /// Leave the `RotationToken` out of events.
    #[arg(long)]
    no_rotation_token: bool,
    /// Deny a function's `PutSecretValue` without the `RotationToken`.
    #[arg(long)]
    require_rotation_token: bool,
    /// Have the next COUNT calls of an operation end in a fault: throttled, denied, internal,
    /// hang, drop, drop-answer, crash-before, crash-after, or the code of an error.
    #[arg(long = "fail", value_name = "OPERATION:COUNT:FAULT", value_parser = fault)]
    pub(crate) faults: Vec<PlannedFault>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Deliveries {
    Once,
    Twice,
    Overlapping,
}

/// Faults that wait for the first calls.
#[derive(Debug, Clone)]
pub(crate) struct PlannedFault {
    pub(crate) operation: Operation,
    pub(crate) count: u32,
    pub(crate) fault: Fault,
}

impl Serve {
    /// Refuses a policy that would bind nobody, and the access key of nobody.
    pub(crate) fn check(&self) -> Result<(), String> {
        let policies = self.policies.iter().map(|(name, _)| name);
        let named = policies.chain(self.access_keys.iter().map(|(name, _)| name));
        let is_function = |name: &String| self.functions.iter().any(|(other, _)| other == name);
        match named.into_iter().find(|name| !is_function(name)) {
            Some(name) => Err(format!("there is no --function {name}")),
            None => Ok(()),
        }
    }

    pub(crate) fn builder(self) -> Builder {
        let mut builder =
            Local::builder().port(self.port).knobs(self.knobs()).forward_output(!self.quiet);
        for (name, target) in &self.functions {
            let mut function =
                if target.starts_with("http://") { Function::url(target) } else { command(target) };
            for (_, key, value) in self.variables.iter().filter(|(of, ..)| of == name) {
                function = function.env(key, value);
            }
            for (_, most) in self.concurrencies.iter().filter(|(of, _)| of == name) {
                function = function.concurrency(*most);
            }
            for (_, policy) in self.policies.iter().filter(|(of, _)| of == name) {
                function = function.policy(policy.clone());
            }
            for (_, id) in self.access_keys.iter().filter(|(of, _)| of == name) {
                function = function.access_key(id);
            }
            builder = builder.function(name, function.timeout(Duration::from_secs(self.timeout)));
        }
        match self.data {
            Some(path) => builder.data(path),
            None => builder,
        }
    }

    fn knobs(&self) -> Knobs {
        Knobs {
            label_lag: Duration::from_millis(self.label_lag),
            latency: Duration::from_millis(self.latency),
            throttle: self.throttle,
            writes_left: Knobs::default().writes_left,
            delivery: match self.delivery {
                Deliveries::Once => Delivery::Once,
                Deliveries::Twice => Delivery::Twice,
                Deliveries::Overlapping => Delivery::Overlapping,
            },
            attempts: self.attempts,
            attempt_spacing: Duration::from_millis(self.attempt_spacing),
            step_spacing: Duration::from_millis(self.step_spacing),
            patience: Knobs::default().patience,
            rotation_token: !self.no_rotation_token,
            require_rotation_token: self.require_rotation_token,
            before_step: None,
        }
    }
}

/// A program and its arguments; quotes keep a word with spaces together.
fn command(text: &str) -> Function {
    let mut words = words(text).into_iter();
    let program = words.next().unwrap_or_default();
    words.fold(Function::binary(program), Function::arg)
}

fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in text.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (Some(_) | None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, target)) if !name.is_empty() && !target.is_empty() => {
            Ok((name.to_owned(), target.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn variable(text: &str) -> Result<(String, String, String), String> {
    let parts = text.split_once(':').and_then(|(name, rest)| Some((name, rest.split_once('=')?)));
    match parts {
        Some((name, (key, value))) => Ok((name.to_owned(), key.to_owned(), value.to_owned())),
        None => Err("expected NAME:KEY=VALUE".to_owned()),
    }
}

fn policy(text: &str) -> Result<(String, Policy), String> {
    let (name, path) = named(text).map_err(|_| "expected NAME=FILE".to_owned())?;
    let document = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let policy = Policy::parse(&document).map_err(|error| format!("{path}: {error}"))?;
    Ok((name, policy))
}

fn concurrency(text: &str) -> Result<(String, usize), String> {
    let expected = || "expected NAME=COUNT".to_owned();
    let (name, count) = text.split_once('=').ok_or_else(expected)?;
    Ok((name.to_owned(), count.parse().map_err(|_| expected())?))
}

fn fault(text: &str) -> Result<PlannedFault, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let [operation, count, fault] = parts.as_slice() else {
        return Err("expected OPERATION:COUNT:FAULT".to_owned());
    };
    let operation = operation.parse().map_err(|error| format!("{error}"))?;
    let count = count.parse().map_err(|_| "COUNT must be a number".to_owned())?;
    let fault = match *fault {
        "throttled" => Fault::Throttled,
        "denied" => Fault::AccessDenied,
        "internal" => Fault::InternalServiceError,
        "hang" => Fault::Hang,
        "drop" => Fault::Drop,
        "drop-answer" => Fault::DropAnswer,
        "crash-before" => Fault::CrashBefore,
        "crash-after" => Fault::CrashAfter,
        code => Fault::Error { code: code.to_owned(), message: "Forced by --fail.".to_owned() },
    };
    Ok(PlannedFault { operation, count, fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(arguments: &[&str]) -> Result<Serve, String> {
        let all = ["turnlock-local", "serve", "--function", "f=true"].iter().chain(arguments);
        let options = Options::try_parse_from(all).map_err(|error| error.to_string())?;
        let Command::Serve(serve) = options.command;
        serve.check().map(|()| serve)
    }

    #[test]
    fn a_policy_or_an_access_key_of_nobody_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("role.json");
        let document = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        std::fs::write(&path, document).expect("a file");
        let of = |name: &str| format!("{name}={}", path.display());
        assert!(serve(&["--policy", &of("f"), "--access-key", "f=ID"]).is_ok());
        for refused in [["--policy", &of("g")], ["--access-key", "g=ID"]] {
            let said = serve(&refused).expect_err("nobody has it");
            assert_eq!(said, "there is no --function g");
        }
    }

    #[test]
    fn a_policy_that_is_not_understood_or_not_there_is_refused_with_the_file_and_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("role.json");
        let of = format!("f={}", path.display());
        let said = serve(&["--policy", &of]).expect_err("there is no file");
        assert!(said.contains("role.json"), "{said}");
        std::fs::write(&path, r#"{"Statement": {"NotAction": "*"}}"#).expect("a file");
        let said = serve(&["--policy", &of]).expect_err("it is not understood");
        assert!(said.contains("role.json") && said.contains("NotAction"), "{said}");
    }

    #[test]
    fn a_command_is_split_at_spaces_outside_quotes() {
        let split = words(r#"python3 -m "a b" '' x"#);
        assert_eq!(split, ["python3", "-m", "a b", "", "x"]);
    }
}
