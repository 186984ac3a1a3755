use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::request::Request;

/// What goes wrong in a call, and whether the call is carried out all the same.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) oddity: Oddity,
    pub(super) acts: bool,
}

/// What a client sees instead of the answer, or in it.
#[derive(Clone, Debug)]
pub enum Oddity {
    /// This status, and a page of HTML.
    Status(u16),
    /// This status, and when to try again.
    RetryAfter(u16, Wait),
    /// This status, and JSON of the client's choice.
    Says(u16, Value),
    /// No answer, ever.
    Hangs,
    /// The connection is closed without an answer.
    Closes,
    /// The server takes this long: before it acts or after it.
    Late(Duration),
    /// A redirect of this status to the same path of another origin.
    Redirects(u16, String),
    /// A body of 10 MB of JSON that is right but for its size.
    TenMegabytes,
    /// A body without an end, a byte at a time.
    Trickles,
    /// HTML with the status of success.
    Html,
    /// JSON of a shape that nobody expects.
    OtherShape,
    /// A body that ends in the middle of the JSON, as its length says.
    CutJson,
    /// A connection that ends in the middle of the body.
    CutConnection,
    /// The right answer as `text/plain`.
    WrongType,
    /// The right answer with this instead of the key.
    Key(Value),
    /// Much more than it seems, where the client takes gzip; else the right answer.
    GzipBomb,
    /// An informational answer before the right one.
    EarlyHints,
    /// The right answer with a header of 1 MB.
    HugeHeader,
    /// These bytes, whatever they are, and the end of the connection.
    Bytes(&'static [u8]),
    /// The process that calls is killed. Never for a call of the test's own.
    KillsTheCaller,
    /// Runs something, and goes on as if nothing had been.
    Runs(Callback),
}

/// When to try again, as `Retry-After` has it.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// A number of seconds.
    Seconds(u64),
    /// The date that it will be after this long.
    Date(Duration),
    /// Anything else.
    Text(&'static str),
}

/// Something to do in a call.
#[derive(Clone)]
pub struct Callback(Arc<dyn Fn() + Send + Sync>);

impl Oddity {
    /// The call is not carried out.
    pub fn before_acting(self) -> Fault {
        Fault { oddity: self, acts: false }
    }

    /// The call is carried out, and only then this happens.
    pub fn after_acting(self) -> Fault {
        Fault { oddity: self, acts: true }
    }

    /// Whether the call goes on to be carried out after what happens before it.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self, Self::Late(_) | Self::Runs(_))
    }
}

impl Wait {
    pub(super) fn text(self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(after) => httpdate::fmt_http_date(SystemTime::now() + after),
            Self::Text(text) => text.to_owned(),
        }
    }
}

impl Callback {
    /// Of a closure.
    pub fn new(what: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(what))
    }

    pub(super) fn run(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Callback")
    }
}

/// What waits for its call.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// So many connections are closed at once.
    pub(super) closes: usize,
    planned: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    calls: String,
    skip: usize,
    count: usize,
    fault: Fault,
}

impl Faults {
    pub(super) fn plan(&mut self, calls: &str, number: usize, count: usize, fault: Fault) {
        let skip = number.checked_sub(1).expect("calls are counted from 1");
        self.planned.push(Planned { calls: calls.to_owned(), skip, count, fault });
    }

    /// What hits this call, if anything does.
    pub(super) fn strike(&mut self, request: &Request) -> Option<Fault> {
        let mut struck = None;
        for plan in self.planned.iter_mut().filter(|plan| is_meant(&plan.calls, request)) {
            if plan.skip > 0 {
                plan.skip -= 1;
            } else if plan.count > 0 && struck.is_none() {
                plan.count -= 1;
                struck = Some(plan.fault.clone());
            }
        }
        self.planned.retain(|plan| plan.count > 0);
        struck
    }
}

fn is_meant(calls: &str, request: &Request) -> bool {
    let Some((method, path)) = calls.split_once(' ') else { return calls == "*" };
    let (parts, wanted) = (request.parts(), path.trim_matches('/').split('/'));
    let fits = |(part, wanted): (&String, &str)| wanted == "*" || part == wanted;
    (method == "*" || method == request.method)
        && wanted.clone().count() == parts.len()
        && parts.iter().zip(wanted).all(fits)
}
