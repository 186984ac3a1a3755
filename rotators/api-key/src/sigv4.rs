//! Signatures by an AWS access key, or by the function's own role.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::header::{HeaderName, HeaderValue};
use turnlock::{Class, Sensitive, TargetError};

use crate::description::{Request, Sigv4};
use crate::place::Call;
use crate::template::Template;
use crate::values::Values;

/// How often credentials are asked for where they are not in the environment, as they are in Lambda.
const CREDENTIAL_ATTEMPTS: u32 = 3;

/// Signs with the access key that the description names.
pub(crate) fn sign_by_key(
    call: &mut Call,
    signature: &Sigv4,
    request: &Request,
    values: &Values<'_>,
) -> Result<(), TargetError> {
    let fill = |template| filled(call, template, values);
    let (id, secret) = (fill(&signature.access_key_id)?, fill(&signature.secret_access_key)?);
    let credentials = Credentials::new(id.expose(), secret.expose(), None, None, "secret");
    let (service, region) = signed_for(signature, request);
    let (service, region) = (fill(service)?, fill(region)?);
    sign_with(call, credentials, service, region, SystemTime::now())
}

/// Signs with the credentials of the environment, which in Lambda are those of the function's role.
pub(crate) async fn sign_by_role(
    call: &mut Call,
    signature: Option<&Sigv4>,
    request: &Request,
    values: &Values<'_>,
) -> Result<(), TargetError> {
    let signature = signature.ok_or_else(|| fault(call, "is not to be signed"))?;
    let (service, region) = signed_for(signature, request);
    let (service, region) = (filled(call, service, values)?, filled(call, region, values)?);
    let config = turnlock::aws::configuration(CREDENTIAL_ATTEMPTS).load().await;
    let provider = config.credentials_provider();
    let provider = provider.ok_or_else(|| fault(call, "finds no credentials of the function"))?;
    let credentials = provider.provide_credentials().await;
    let credentials =
        credentials.map_err(|_| fault(call, "gets no credentials of the function's role"))?;
    sign_with(call, credentials, service, region, SystemTime::now())
}

/// The service and the region.
fn signed_for<'a>(signature: &'a Sigv4, request: &'a Request) -> (&'a Template, &'a Template) {
    match &request.signed_for {
        Some(told) => (&told.service, &told.region),
        None => (&signature.service, &signature.region),
    }
}

fn filled(call: &Call, template: &Template, values: &Values<'_>) -> Result<Sensitive, TargetError> {
    let filled = template.plain(values).ok().flatten();
    filled.ok_or_else(|| fault(call, "has no value for a part of its signature"))
}

fn sign_with(
    call: &mut Call,
    credentials: Credentials,
    service: Sensitive,
    region: Sensitive,
    time: SystemTime,
) -> Result<(), TargetError> {
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region.expose())
        .name(service.expose())
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| fault(call, "cannot be signed"))?;
    let headers = call
        .headers
        .iter()
        .filter_map(|(name, value)| value.to_str().ok().map(|value| (name.as_str(), value)));
    let body = call.body.as_ref().map_or("", |body| body.expose());
    let request = SignableRequest::new(
        call.method.name(),
        call.url.as_str(),
        headers,
        SignableBody::Bytes(body.as_bytes()),
    );
    let signed = request.and_then(|request| sign(request, &parameters.into()));
    let signed = signed.map_err(|_| fault(call, "cannot be signed"))?;
    for (name, value) in signed.into_parts().0.headers() {
        let (Ok(name), Ok(mut value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        else {
            return Err(fault(call, "cannot be signed"));
        };
        value.set_sensitive(true);
        call.headers.insert(name, value);
    }
    Ok(())
}

fn fault(call: &Call, problem: &str) -> TargetError {
    TargetError::new(Class::Refused, format!("{} {problem}", call.name))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};

    use super::*;
    use crate::description::Method;

    /// 2015-08-30T12:36:00Z, the time of AWS's test vectors.
    const THEN: Duration = Duration::from_secs(1_440_938_160);

    fn signed(method: Method, url: &str, kind: Option<&str>, body: &str, service: &str) -> Call {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        let mut call = Call {
            method,
            url: url.parse().unwrap(),
            headers,
            body: (!body.is_empty()).then(|| Sensitive::new(body)),
            repeatable: false,
            name: String::new(),
        };
        let (id, key) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let credentials = Credentials::new(id, key, None, None, "test");
        let (service, region) = (Sensitive::new(service), Sensitive::new("us-east-1"));
        sign_with(&mut call, credentials, service, region, UNIX_EPOCH + THEN).unwrap();
        call
    }

    fn authorization(call: &Call) -> &str {
        assert!(call.headers[AUTHORIZATION].is_sensitive());
        assert_eq!(call.headers["x-amz-date"], "20150830T123600Z");
        call.headers[AUTHORIZATION].to_str().unwrap()
    }

    const SCOPE: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1";

    #[test]
    fn a_request_without_a_body_is_signed_as_awss_test_suite_has_it() {
        let call = signed(Method::Get, "https://example.amazonaws.com/", None, "", "service");
        let expected = format!(
            "{SCOPE}/service/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(authorization(&call), expected);
    }

    #[test]
    fn a_form_is_signed_as_awss_test_suite_has_it() {
        let kind = Some("application/x-www-form-urlencoded");
        let url = "https://example.amazonaws.com/";
        let call = signed(Method::Post, url, kind, "Param1=value1", "service");
        let expected = format!(
            "{SCOPE}/service/aws4_request, SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
        assert_eq!(authorization(&call), expected);
    }

    #[test]
    fn a_query_to_iam_is_signed_as_awss_documentation_has_it() {
        let kind = Some("application/x-www-form-urlencoded; charset=utf-8");
        let url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
        let call = signed(Method::Get, url, kind, "", "iam");
        let expected = format!(
            "{SCOPE}/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
        assert_eq!(authorization(&call), expected);
    }
}
