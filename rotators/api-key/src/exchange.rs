//! Requests in someone's name, and their answers.

use turnlock::{Class, TargetError, Verdict};

use crate::answer::{self, Fault, Success};
use crate::credential::ApiKey;
use crate::description::{Authentication, By, Meaning, Request};
use crate::http::Client;
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
    pub(crate) credential: &'a ApiKey,
    pub(crate) session: &'a Session,
}

impl Client {
    /// Sends one request about a key and reads the answer.
    pub(crate) async fn ask(
        &self,
        about: &ApiKey,
        request: &Request,
        values: Values<'_>,
        sender: Option<Sender<'_>>,
    ) -> Result<Success, Fault> {
        self.ask_how(about, request, values, sender, false).await
    }

    /// The same; `repeatable` where sending it twice does what sending it once does.
    pub(crate) async fn ask_how(
        &self,
        about: &ApiKey,
        request: &Request,
        values: Values<'_>,
        sender: Option<Sender<'_>>,
        repeatable: bool,
    ) -> Result<Success, Fault> {
        let mut call = self.call(about, request, values, sender).await.map_err(|error| Fault {
            meaning: Meaning::Refused,
            error,
            uncertain: false,
        })?;
        call.repeatable |= repeatable;
        let success = answer::read(request, &call.name, self.send(&call).await)?;
        for (field, pointer) in &request.same {
            let here = values.secret.value(field);
            if success.text(pointer).as_ref().map(turnlock::Sensitive::expose) != here {
                let text = format!("{}: the key is not of the secret's `{field}`", call.name);
                let error = TargetError::new(Class::Refused, text);
                return Err(Fault { meaning: Meaning::Refused, error, uncertain: false });
            }
        }
        Ok(success)
    }

    async fn call(
        &self,
        about: &ApiKey,
        request: &Request,
        values: Values<'_>,
        sender: Option<Sender<'_>>,
    ) -> Result<Call, TargetError> {
        let (description, by) = (about.description(), request.by);
        let admin = sender.and_then(|s| s.credential.admin_fields.as_ref());
        let values = Values { admin, ..values };
        let mut call = Call::new(description, request, &values, about.plaintext)?;
        let (authentication, fields) = match (by, sender) {
            (Some(By::Anyone), _) | (None, None) => return Ok(call),
            (Some(By::Function), _) => {
                let signature = description.key.as_ref().and_then(|key| key.sigv4.as_ref());
                sigv4::sign_by_role(&mut call, signature, &values).await?;
                return Ok(call);
            }
            (Some(By::Key), _) => (&description.key, values.secret),
            (Some(By::Admin) | None, Some(sender)) if sender.credential.is_admin() => {
                (&description.admin, values.secret)
            }
            (None, Some(sender)) => (&description.key, &sender.credential.fields),
            (Some(By::Admin), _) => (&None, values.secret),
        };
        let login = sender.and_then(|sender| sender.session.0.as_ref());
        let Some(authentication) = authentication else {
            let text = format!("{}: the description does not say how to authenticate", call.name);
            return Err(TargetError::new(Class::Refused, text));
        };
        let from = Values { secret: fields, admin, login, next: None, new: None };
        call.authenticate(authentication, &from)?;
        if let Some(signature) = &authentication.sigv4 {
            sigv4::sign_by_key(&mut call, signature, &from)?;
        }
        Ok(call)
    }

    /// Logs in where the authentication has a request for it.
    async fn log_in(
        &self,
        who: &ApiKey,
        authentication: Option<&Authentication>,
    ) -> Result<Session, Fault> {
        let login = authentication.and_then(|authentication| authentication.login.as_deref());
        let Some(login) = login else { return Ok(Session(None)) };
        let values = Values { admin: who.admin_fields.as_ref(), ..Values::of(&who.fields) };
        let sender = Sender { credential: who, session: &Session(None) };
        let login = Request { by: Some(By::Anyone), ..login.clone() };
        let success = self.ask(who, &login, values, Some(sender)).await?;
        match success.fields(&login) {
            Ok(fields) => Ok(Session(Some(fields))),
            Err((problem, _)) => {
                let error = TargetError::new(Class::Unexpected, format!("the answer to the login {problem}"));
                Err(Fault { meaning: Meaning::Refused, error, uncertain: false })
            }
        }
    }

    /// Tries a key as a consumer would, or the admin's by what its description has for that.
    pub(crate) async fn test(&self, who: &ApiKey) -> Result<Verdict<Session>, TargetError> {
        match self.tested(who).await {
            Ok(session) => Ok(Verdict::Accepted(session)),
            Err(fault) if fault.meaning == Meaning::Rejected => Ok(Verdict::Rejected(fault.error)),
            Err(fault) => Err(fault.error),
        }
    }

    async fn tested(&self, who: &ApiKey) -> Result<Session, Fault> {
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
            self.ask(who, request, Values::of(&who.fields), Some(sender)).await?;
        }
        Ok(session)
    }
}
