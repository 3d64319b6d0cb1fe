//! Client of the task API of AWS Step Functions. The outcome of each request is typed, and no request is retried here.

use std::io;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sfn::config::retry::RetryConfig;
use aws_sdk_sfn::config::timeout::TimeoutConfig;
use aws_sdk_sfn::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sfn::error::{BoxError, ProvideErrorMetadata, SdkError};

use crate::callback::task_token::TaskToken;
use crate::error::{Error, ErrorKind, Result};
use crate::store::aws_sdk;

/// The time limit for opening a connection; one that takes longer seldom succeeds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for one request. The requests are small, and a heartbeat that waits longer delays the next one.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The status by which an S3-compatible store refuses requests of other services.
const METHOD_NOT_ALLOWED: u16 = 405;

/// A request about a task.
#[derive(Debug)]
pub(super) enum TaskRequest {
    /// Reports that the run is alive.
    Heartbeat,
    /// Answers the task with a success.
    Success {
        /// Output of the task, as JSON.
        output: String,
    },
    /// Answers the task with a failure.
    Failure {
        /// Name of the error, such as `Drivetrain.QualityGate`.
        error: String,
        /// Text for people.
        cause: String,
    },
}

/// The outcome of one request about a task.
#[derive(Debug)]
pub(super) enum Sent {
    /// Step Functions accepted the request.
    Accepted,
    /// Step Functions no longer waits for the task, or does not know it; holds the name of its error.
    Gone(String),
    /// Step Functions, or the server at its endpoint, refuses the request; a retry does not help.
    Refused(Error),
    /// There was no answer, or one that asks for a retry.
    Unanswered {
        /// The failure, with its cause and a hint.
        error: Error,
        /// `true` if the request may have been accepted all the same.
        may_be_accepted: bool,
    },
}

/// Turns an answer in XML or HTML into an error, whatever its status: an S3-compatible store or a proxy can answer 200 to a
/// request that it does not know.
#[derive(Debug)]
struct RefuseMarkup;

/// The error of an answer in XML or HTML.
#[derive(Debug, thiserror::Error)]
#[error("the answer is a document in XML or HTML")]
struct AnswerInMarkup;

impl Intercept for RefuseMarkup {
    fn name(&self) -> &'static str {
        "RefuseMarkup"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let headers = context.response().headers();
        let kind = headers.get("content-type").unwrap_or_default();
        if kind.contains("xml") || kind.contains("html") {
            return Err(AnswerInMarkup.into());
        }
        Ok(())
    }
}

/// Client for the requests about one task.
#[derive(Clone, Debug)]
pub(super) struct TaskClient {
    /// Client of the service, with the SDK's credential chain, region and endpoint.
    client: Client,
    /// Token of the task.
    token: TaskToken,
    /// Region and endpoint, for messages.
    service: String,
}

impl TaskClient {
    /// Creates the client, after checking that there are credentials and a region.
    ///
    /// # Errors
    /// `Failed` if no credentials or no region can be found; `Usage` for an invalid endpoint.
    pub async fn open(token: TaskToken) -> Result<Self> {
        let settings = aws_sdk::loader().load().await;
        let endpoint = aws_sdk::endpoint(&settings, "SFN");
        if let Some(endpoint) = &endpoint {
            aws_sdk::require_url(endpoint, "SFN")?;
        }
        let what = "the answer to the task";
        let region = settings.region().ok_or_else(|| aws_sdk::no_region(what))?;
        let provider = settings
            .credentials_provider()
            .ok_or_else(|| aws_sdk::no_credentials(what))?;
        provider
            .provide_credentials()
            .await
            .map_err(|error| aws_sdk::no_credentials(what).caused_by(io::Error::other(error)))?;
        let service = match endpoint {
            Some(endpoint) => format!("Step Functions at `{endpoint}` in region `{region}`"),
            None => format!("Step Functions in region `{region}`"),
        };
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(REQUEST_TIMEOUT)
            .build();
        let config = aws_sdk_sfn::config::Builder::from(&settings)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .interceptor(RefuseMarkup)
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            token,
            service,
        })
    }

    /// Sends a request once.
    pub async fn send(&self, request: &TaskRequest) -> Sent {
        let (client, token) = (&self.client, self.token.as_str());
        match request {
            TaskRequest::Heartbeat => {
                let sent = client.send_task_heartbeat().task_token(token).send();
                self.outcome("SendTaskHeartbeat", sent.await.err())
            }
            TaskRequest::Success { output } => {
                let request = client.send_task_success().output(output);
                let sent = request.task_token(token).send();
                self.outcome("SendTaskSuccess", sent.await.err())
            }
            TaskRequest::Failure { error, cause } => {
                let request = client.send_task_failure().error(error).cause(cause);
                let sent = request.task_token(token).send();
                self.outcome("SendTaskFailure", sent.await.err())
            }
        }
    }

    /// Classifies the outcome of a request.
    fn outcome<E>(&self, action: &str, failure: Option<SdkError<E, HttpResponse>>) -> Sent
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let Some(failure) = failure else {
            return Sent::Accepted;
        };
        let code = failure.code().map(str::to_owned);
        if let Some(code) = &code
            && ["InvalidToken", "TaskDoesNotExist", "TaskTimedOut"].contains(&code.as_str())
        {
            return Sent::Gone(code.clone());
        }
        let response = failure.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let body = response.and_then(|response| response.body().bytes());
        let is_xml = body.is_some_and(|body| body.trim_ascii_start().starts_with(b"<"))
            || causes(&failure).any(<dyn std::error::Error>::is::<AnswerInMarkup>);
        if is_xml || status == Some(METHOD_NOT_ALLOWED) {
            return Sent::Refused(self.not_step_functions(action));
        }
        let is_throttled = status == Some(429) || code.as_deref().is_some_and(is_throttling);
        // An answer without the name of an error is one of a proxy, or a part of one; most of these pass.
        let is_denied = matches!(status, Some(401 | 403 | 404));
        let is_named = code.is_some() && status.is_some_and(|status| (400..500).contains(&status));
        let is_final = (is_named || is_denied) && !is_throttled;
        if is_final || matches!(failure, SdkError::ConstructionFailure(_)) {
            return Sent::Refused(self.refused(action, code.as_deref(), &failure));
        }
        let (message, cause) = match (status, &code) {
            (Some(status), Some(name)) => {
                let message = format!("{} answers {action} with {name} ({status})", self.service);
                (message, failure.message().unwrap_or(name).to_owned())
            }
            (Some(status), None) if status >= 400 => {
                let message = format!("{} answers {action} with {status}", self.service);
                (message, innermost(&failure))
            }
            _ => (
                format!("{} does not answer {action}", self.service),
                innermost(&failure),
            ),
        };
        let error = Error::new(ErrorKind::TryAgain, message)
            .caused_by(io::Error::other(self.redacted(&cause)))
        .hint(
            "check the region and AWS_ENDPOINT_URL_SFN or AWS_ENDPOINT_URL; a node without a way to the internet needs the VPC endpoint `states`",
        );
        Sent::Unanswered {
            error,
            may_be_accepted: !is_throttled,
        }
    }

    /// Builds the error of a request that Step Functions refuses for good.
    fn refused<E>(
        &self,
        action: &str,
        code: Option<&str>,
        failure: &SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let (kind, hint) = match code {
            Some("ValidationException") => (
                ErrorKind::Usage,
                "pass the token that the state machine passes to the task".to_owned(),
            ),
            Some(code) if code.contains("AccessDenied") => (
                ErrorKind::Failed,
                format!("allow `states:{action}` on the state machine to the role of this process"),
            ),
            _ => (
                ErrorKind::Failed,
                "check the credentials and the region of this process".to_owned(),
            ),
        };
        let by_code = code.map_or_else(String::new, |code| format!(" ({code})"));
        let message = format!("{} refuses {action}{by_code}", self.service);
        let cause = match failure.message() {
            Some(message) => message.to_owned(),
            None => innermost(failure),
        };
        Error::new(kind, message)
            .caused_by(io::Error::other(self.redacted(&cause)))
            .hint(hint)
    }

    /// Returns a text of the service without the token, which its validation errors quote.
    fn redacted(&self, text: &str) -> String {
        text.replace(self.token.as_str(), "(the token)")
    }

    /// Builds the error of an answer that is not one of Step Functions, such as the XML of an S3-compatible store.
    fn not_step_functions(&self, action: &str) -> Error {
        let message = format!(
            "the answer to {action} of {} is not that of Step Functions",
            self.service
        );
        Error::new(ErrorKind::Usage, message).hint(
            "the endpoint is that of AWS_ENDPOINT_URL_SFN or, as for all services, of AWS_ENDPOINT_URL: name an S3-compatible store in AWS_ENDPOINT_URL_S3 instead",
        )
    }
}

/// Returns the message of the innermost cause of an error, such as `Connection refused`; the outer ones name types of
/// the SDK.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Returns an error and its causes, from the nearest to the deepest.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Returns `true` for the codes of errors by which AWS services limit the rate of requests.
fn is_throttling(code: &str) -> bool {
    code.contains("Throttl") || ["TooManyRequestsException", "RequestLimitExceeded"].contains(&code)
}
