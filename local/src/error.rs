//! What the service answers when it refuses a request.

/// An error code of the API, its message, and the status it travels with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) status: u16,
}

/// What the service refused, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// For example `ResourceNotFoundException`.
    pub code: String,
    /// What the error says.
    pub message: String,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

impl ApiError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }

    pub(crate) fn internal() -> Self {
        let message = "An error occurred on the server side.";
        Self { code: "InternalServiceError".to_owned(), message: message.to_owned(), status: 500 }
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDeniedException", message)
    }

    pub(crate) fn throttled() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(crate) fn exists(message: impl Into<String>) -> Self {
        Self::new("ResourceExistsException", message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new("LimitExceededException", message)
    }

    pub(crate) fn secret_not_found() -> Self {
        let message = "Secrets Manager can't find the specified secret.";
        Self::new("ResourceNotFoundException", message)
    }

    pub(crate) fn version_not_found(id: &str) -> Self {
        let message =
            format!("Secrets Manager can't find the specified secret value for VersionId: {id}");
        Self::new("ResourceNotFoundException", message)
    }

    pub(crate) fn label_not_found(label: &str) -> Self {
        let message = format!(
            "Secrets Manager can't find the specified secret value for staging label: {label}"
        );
        Self::new("ResourceNotFoundException", message)
    }

    pub(crate) fn deleted() -> Self {
        Self::invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    }

    /// Whether the API's model declares this error: those spell their member `Message`, the
    /// errors common to all services spell it `message`.
    pub(crate) fn is_modelled(&self) -> bool {
        !matches!(
            self.code.as_str(),
            "AccessDeniedException"
                | "ThrottlingException"
                | "ValidationException"
                | "SerializationException"
                | "UnknownOperationException"
        )
    }
}
