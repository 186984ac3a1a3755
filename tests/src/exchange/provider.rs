//! A provider that plays a script.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use super::pattern::{self, Found};
use super::script::{Fault, Script, Step};
use super::sent::{differs, masked};
use crate::tunnel::Sent;

/// Where it stands in the script.
#[derive(Debug)]
pub(super) struct Provider {
    script: Script,
    place: Mutex<Place>,
}

#[derive(Debug, Default)]
struct Place {
    steps: Vec<Step>,
    /// How many of the steps have come.
    passed: usize,
    fault: Option<Fault>,
    found: Found,
    problems: Vec<String>,
}

impl Provider {
    pub(super) fn new(script: Script) -> Arc<Self> {
        Arc::new(Self { script, place: Mutex::new(Place::default()) })
    }

    /// Begins to play these steps, one of them with a fault.
    pub(super) fn play(&self, steps: Vec<Step>, fault: Option<Fault>) {
        *self.place() = Place { steps, fault, ..Place::default() };
    }

    /// What came that should not have, and what did not come.
    pub(super) fn problems(&self) -> Vec<String> {
        let place = self.place();
        let missing = place.steps.iter().skip(place.passed);
        let missing = missing.map(|step| format!("did not come: {} ({})", step.send, step.name));
        place.problems.iter().cloned().chain(missing).collect()
    }

    /// What came that should not have.
    pub(super) fn surprises(&self) -> Vec<String> {
        self.place().problems.clone()
    }

    /// A text with what the requests had where names stand in it.
    pub(super) fn filled(&self, text: &str) -> String {
        pattern::fill(text, &self.place().found)
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().expect("nobody panics while holding the lock")
    }

    /// Answers a request by the script.
    pub(super) fn answer(&self, sent: &Sent) -> Response<Full<Bytes>> {
        let mut place = self.place();
        let mut found = place.found.clone();
        let next = place.steps.get(place.passed).cloned();
        let difference = match &next {
            Some(step) => differs(sent, step, &mut found),
            None => Some("everything: the script is over"),
        };
        let step = match (difference, next) {
            (None, Some(step)) => {
                // An answer that fails is asked for again; one that is told from a good one by what is in it is not.
                let fails = |fault: &Fault| fault.at == step.name && fault.answer != step.answer;
                if !place.fault.as_ref().is_some_and(fails) {
                    place.passed += 1;
                }
                Some(step)
            }
            _ => {
                found = place.found.clone();
                let mut before = place.steps[..place.passed].iter().rev();
                before.find(|step| step.again && differs(sent, step, &mut found).is_none()).cloned()
            }
        };
        let Some(step) = step else {
            let next = place.steps.get(place.passed).map_or("nothing", |step| &step.send);
            let sent = masked(sent, &self.script.secret_texts());
            let problem = format!(
                "not in the script:\n{sent}\nexpected was {next}, which differs in {}",
                difference.unwrap_or_default()
            );
            place.problems.push(problem);
            return response(418, [].iter(), "not in the script");
        };
        place.found = found;
        let fault = place.fault.as_ref().filter(|fault| fault.at == step.name);
        let (status, headers, body) = match fault {
            Some(fault) => (fault.answer, &fault.answer_headers, &fault.body),
            None => (step.answer, &step.answer_headers, &step.body),
        };
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        response(status, headers.iter(), &pattern::fill(body, &place.found))
    }
}

fn response<'a>(
    status: u16,
    headers: impl Iterator<Item = &'a (String, String)>,
    body: &str,
) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status);
    let response = headers.fold(response, |response, (name, value)| response.header(name, value));
    response.body(Full::new(body.to_owned().into())).expect("a status and headers that are right")
}
