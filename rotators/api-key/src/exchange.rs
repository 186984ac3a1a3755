//! Requests in someone's name, and their answers.

use turnlock::{Class, Sensitive, TargetError, Verdict};

use crate::answer::{self, Fault, Success};
use crate::description::{Authentication, By, Meaning, Request};
use crate::http::Client;
use crate::key::Key;
use crate::list::Page;
use crate::place::Call;
use crate::sigv4;
use crate::values::{Fields, Values};

/// What an accepted login leaves: what the provider answered to it, such as an access token.
#[derive(Debug)]
pub struct Session(pub(crate) Option<Fields>);

/// Who sends a request, with what a login has answered to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    /// The key, or the admin.
    pub(crate) credential: &'a Key,
    pub(crate) session: &'a Session,
}

/// One request about a key.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    about: &'a Key,
    request: &'a Request,
    values: Values<'a>,
    sender: Option<Sender<'a>>,
    page: Option<&'a Page>,
    repeatable: bool,
}

impl<'a> Ask<'a> {
    /// A request that nobody in particular sends.
    pub(crate) fn new(about: &'a Key, request: &'a Request) -> Self {
        let values = Values::of(&about.fields);
        Self { about, request, values, sender: None, page: None, repeatable: false }
    }

    pub(crate) fn by(self, sender: Sender<'a>) -> Self {
        Self { sender: Some(sender), ..self }
    }

    /// With the values of another version of the secret.
    pub(crate) fn of(self, secret: &'a Fields) -> Self {
        Self { values: Values { secret, ..self.values }, ..self }
    }

    /// With values of a key to come.
    pub(crate) fn with_new(self, new: &'a Fields) -> Self {
        Self { values: Values { new: Some(new), ..self.values }, ..self }
    }

    /// With values of a version to come.
    pub(crate) fn with_next(self, next: &'a Fields) -> Self {
        Self { values: Values { next: Some(next), ..self.values }, ..self }
    }

    pub(crate) fn page(self, page: &'a Page) -> Self {
        Self { page: Some(page), ..self }
    }

    /// As one that does the same when it is sent twice, whatever its method.
    pub(crate) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }
}

impl Client {
    /// Sends a request and reads the answer.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Result<Success, Fault> {
        let mut call = call(&ask).await.map_err(|error| Fault {
            meaning: Meaning::Refused,
            error,
            uncertain: false,
        })?;
        call.repeatable |= ask.repeatable;
        let success = answer::read(ask.request, &call.name, self.send(&call).await)?;
        repeats(&ask, &success).map_err(|(class, problem)| Fault {
            meaning: Meaning::Refused,
            error: TargetError::new(class, format!("{}: {problem}", call.name)),
            uncertain: false,
        })?;
        Ok(success)
    }

    /// Logs in where the authentication has a request for it.
    async fn log_in(
        &self,
        who: &Key,
        authentication: Option<&Authentication>,
    ) -> Result<Session, Fault> {
        let login = authentication.and_then(|authentication| authentication.login.as_deref());
        let Some(login) = login else { return Ok(Session(None)) };
        let session = Session(None);
        let sender = Sender { credential: who, session: &session };
        let success = self.ask(Ask::new(who, login).by(sender)).await?;
        match success.fields(login) {
            Ok(fields) => Ok(Session(Some(fields))),
            Err((problem, _)) => {
                let error = TargetError::new(
                    Class::Unexpected,
                    format!("the answer to the login {problem}"),
                );
                Err(Fault { meaning: Meaning::Refused, error, uncertain: false })
            }
        }
    }

    /// Tries a key as a consumer would, or the admin's by what its description has for that.
    pub(crate) async fn test(&self, who: &Key) -> Result<Verdict<Session>, TargetError> {
        match self.tested(who).await {
            Ok(session) => Ok(Verdict::Accepted(session)),
            Err(fault) if fault.meaning == Meaning::Rejected => Ok(Verdict::Rejected(fault.error)),
            Err(fault) => Err(fault.error),
        }
    }

    async fn tested(&self, who: &Key) -> Result<Session, Fault> {
        let description = who.description();
        let (authentication, request) = if who.is_admin() {
            let admin = description.admin.as_ref();
            let listed = description.list.as_ref().map(|list| &list.request);
            let listed = listed.filter(|request| matches!(request.by, None | Some(By::Admin)));
            (admin, admin.and_then(|admin| admin.test.as_deref()).or(listed))
        } else {
            (description.key.as_ref(), Some(&description.test))
        };
        let session = self.log_in(who, authentication).await?;
        if let Some(request) = request {
            let sender = Sender { credential: who, session: &session };
            // It changes nothing, whatever its method.
            self.ask(Ask::new(who, request).by(sender).repeatable()).await?;
        }
        Ok(session)
    }
}

/// Whether an answer repeats what it has to of the secret.
fn repeats(ask: &Ask<'_>, success: &Success) -> Result<(), (Class, String)> {
    let same = ask.request.same.iter().map(|(field, pointer)| {
        let here = ask.values.secret.value(field).map(Sensitive::new);
        (pointer, field.as_str(), here)
    });
    let equal = ask.request.equals.iter().map(|(pointer, template)| {
        (pointer, template.source(), template.plain(&ask.values).ok().flatten())
    });
    for (pointer, name, here) in same.chain(equal) {
        let problem = match success.text(pointer) {
            Some(there) if Some(&there) == here.as_ref() => continue,
            Some(_) => (Class::Refused, format!("the key is not of the secret's `{name}`")),
            None => (Class::Unexpected, format!("the answer has no text at {pointer}")),
        };
        return Err(problem);
    }
    Ok(())
}

/// Fills a request, and shows who sends it.
async fn call(ask: &Ask<'_>) -> Result<Call, TargetError> {
    let (description, sender) = (ask.about.description(), ask.sender);
    let by_admin = sender.is_some_and(|sender| sender.credential.is_admin());
    if by_admin && ask.about.provider.is_inline() {
        let text = "a description in a secret does not decide what an admin's key is used for";
        return Err(TargetError::new(Class::Refused, text));
    }
    let admin = sender.and_then(|sender| sender.credential.admin_fields.as_ref());
    let values = Values { admin, ..ask.values };
    let mut call = Call::new(description, ask.request, &values, ask.about.plaintext)?;
    if let Some(page) = ask.page {
        let fault =
            |problem| TargetError::new(Class::Unexpected, format!("{} {problem}", call.name));
        page.turn(&mut call.url).map_err(fault)?;
    }
    let (authentication, fields) = match (ask.request.by, sender) {
        (Some(By::Anyone), _) => {
            if let Some(basic) = &ask.request.basic {
                call.show(basic, &values)?;
            }
            return Ok(call);
        }
        (None, None) => return Ok(call),
        (Some(By::Function), _) => {
            let signature = description.key.as_ref().and_then(|key| key.sigv4.as_ref());
            sigv4::sign_by_role(&mut call, signature, ask.request, &values).await?;
            return Ok(call);
        }
        (Some(By::Admin) | None, Some(_)) if by_admin => (&description.admin, values.secret),
        (Some(By::Admin), _) => (&None, values.secret),
        (Some(By::Key), Some(sender)) if !by_admin => (&description.key, &sender.credential.fields),
        (Some(By::Key), _) => (&description.key, values.secret),
        (None, Some(sender)) => (&description.key, &sender.credential.fields),
    };
    let Some(authentication) = authentication else {
        let text = format!("{}: the description does not say how to authenticate", call.name);
        return Err(TargetError::new(Class::Refused, text));
    };
    let login = sender.and_then(|sender| sender.session.0.as_ref());
    let from = Values { admin, login, ..Values::of(fields) };
    call.authenticate(authentication, &from)?;
    if let Some(signature) = &authentication.sigv4 {
        sigv4::sign_by_key(&mut call, signature, ask.request, &from)?;
    }
    Ok(call)
}
