//! What a store's failure means to the person who runs a job.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

use super::frozen::replaced;
use super::location::Location;
use crate::error::{Error, ErrorKind};

/// What went wrong, as far as the way out differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Clock,
    Credentials,
    DiskFull,
    Expired,
    MissingBucket,
    MissingObject,
    Permission,
    Region,
    Replaced,
    Throttled,
    Unknown,
    Unreachable,
}

/// Turns a store's error into one that names the place, says what can be done, and has the kind that the exit code comes from.
///
/// `doing` says what was being done: `read `users.csv``.
#[must_use]
pub fn explain(error: object_store::Error, doing: impl fmt::Display, location: &Location) -> Error {
    let failure = failure(&error);
    let (kind, what, hint) = meaning(failure, location);
    let explained = Error::new(kind, format!("cannot {doing}: {what}")).caused_by(error);
    match hint {
        Some(hint) => explained.hint(hint),
        None => explained,
    }
}

fn meaning(failure: Failure, location: &Location) -> (ErrorKind, String, Option<String>) {
    let hinted = |kind, what: &str, hint: &str| (kind, what.to_owned(), Some(hint.to_owned()));
    let bucket = match location {
        Location::S3 { bucket, .. } => format!("bucket `{bucket}`"),
        place => format!("`{place}`"),
    };
    match failure {
        Failure::Clock => hinted(
            ErrorKind::Failed,
            "the store says that this machine's clock is wrong",
            "set the clock",
        ),
        Failure::Credentials => hinted(
            ErrorKind::Failed,
            "the store does not accept the credentials",
            "`aws sts get-caller-identity` shows which ones are found; set AWS_PROFILE or AWS_ACCESS_KEY_ID",
        ),
        Failure::DiskFull => (
            ErrorKind::Failed,
            format!("the disk that holds {bucket} is full"),
            Some("free space there, then run the same command again".to_owned()),
        ),
        Failure::Expired => hinted(
            ErrorKind::Failed,
            "the credentials have expired",
            "log in again (`aws sso login`), then run the same command again",
        ),
        Failure::MissingBucket => (
            ErrorKind::InputMissing,
            format!("{bucket} does not exist"),
            Some("check the name, and that AWS_ENDPOINT_URL means the right store".to_owned()),
        ),
        Failure::MissingObject => (ErrorKind::InputMissing, "it is not there".to_owned(), None),
        Failure::Permission => (
            ErrorKind::Failed,
            format!("no permission on {bucket}"),
            Some(
                match location {
                    Location::Folder(_) => "check the owner and the mode of the folder",
                    _ => "check the role's policy: get, put, list, delete and multipart on this prefix",
                }
                .to_owned(),
            ),
        ),
        Failure::Region => (
            ErrorKind::Failed,
            format!("{bucket} lies in another region"),
            Some("set AWS_REGION to the bucket's region".to_owned()),
        ),
        Failure::Replaced => hinted(
            ErrorKind::TryAgain,
            "it was replaced or deleted after this run had listed it",
            "run the same command again: it starts from the new version",
        ),
        Failure::Throttled => hinted(
            ErrorKind::TryAgain,
            "the store asks to slow down",
            "run the same command again later",
        ),
        Failure::Unreachable => hinted(
            ErrorKind::TryAgain,
            "the store does not answer",
            "check the network and AWS_ENDPOINT_URL, then run the same command again",
        ),
        Failure::Unknown => (ErrorKind::Failed, "the store refused".to_owned(), None),
    }
}

fn failure(error: &object_store::Error) -> Failure {
    use object_store::Error as Store;
    if replaced(error).is_some() {
        return Failure::Replaced;
    }
    let chain = Chain::of(error);
    if let Some(failure) = chain.code().and_then(by_code) {
        return failure;
    }
    if let Some(failure) = chain.io.and_then(by_io) {
        return failure;
    }
    match error {
        Store::NotFound { .. } => Failure::MissingObject,
        Store::PermissionDenied { .. } => Failure::Permission,
        Store::Unauthenticated { .. } => Failure::Credentials,
        Store::Precondition { .. } => Failure::Replaced,
        _ if chain.http.is_some() => Failure::Unreachable,
        _ => chain.status().map_or(Failure::Unknown, by_status),
    }
}

/// S3's error codes, which say more than the status.
fn by_code(code: &str) -> Option<Failure> {
    Some(match code {
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => Failure::Permission,
        "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "PermanentRedirect" => Failure::Region,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Failure::Expired,
        "InvalidAccessKeyId" | "InvalidToken" | "SignatureDoesNotMatch" => Failure::Credentials,
        "NoSuchBucket" => Failure::MissingBucket,
        "RequestTimeTooSkewed" => Failure::Clock,
        "SlowDown" | "ServiceUnavailable" | "Throttling" | "TooManyRequests" => Failure::Throttled,
        "InternalError" | "RequestTimeout" | "OperationAborted" => Failure::Unreachable,
        "XMinioStorageFull" => Failure::DiskFull,
        _ => return None,
    })
}

fn by_io(kind: io::ErrorKind) -> Option<Failure> {
    Some(match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Failure::Permission,
        io::ErrorKind::TimedOut | io::ErrorKind::ConnectionRefused => Failure::Unreachable,
        _ => return None,
    })
}

fn by_status(status: u16) -> Failure {
    match status {
        301 | 307 | 308 => Failure::Region,
        401 => Failure::Credentials,
        403 => Failure::Permission,
        429 | 503 => Failure::Throttled,
        408 | 500..=599 => Failure::Unreachable,
        _ => Failure::Unknown,
    }
}

/// What the chain of causes holds. `object_store` keeps its answer's type to itself, so code and status are read from its text.
struct Chain {
    text: String,
    io: Option<io::ErrorKind>,
    http: Option<HttpErrorKind>,
}

impl Chain {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut chain = Self {
            text: String::new(),
            io: None,
            http: None,
        };
        let mut next = Some(error);
        while let Some(error) = next {
            chain.text.push_str(&error.to_string());
            chain.text.push('\n');
            if let Some(error) = error.downcast_ref::<io::Error>() {
                chain.io = chain.io.or(Some(error.kind()));
            }
            if let Some(error) = error.downcast_ref::<HttpError>() {
                chain.http = chain.http.or(Some(error.kind()));
            }
            next = error.source();
        }
        chain
    }

    fn code(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("<Code>")?;
        rest.split_once("</Code>").map(|(code, _)| code)
    }

    fn status(&self) -> Option<u16> {
        if self.text.contains("Received redirect without LOCATION") {
            return Some(301);
        }
        let (_, rest) = self.text.split_once("status code: ")?;
        rest.get(..3)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    #[test]
    fn each_failure_has_the_kind_that_says_what_can_be_done() {
        let location = Location::parse("s3://bucket/x").unwrap();
        let code = |code: &str| {
            generic(&format!(
                "Server returned non-2xx status code: 400 Bad Request: <Error><Code>{code}</Code></Error>"
            ))
        };
        let status = |status: &str| {
            generic(&format!(
                "Server returned non-2xx status code: {status} Text: "
            ))
        };
        let disk = object_store::Error::Generic {
            store: "file system",
            source: io::Error::from(io::ErrorKind::StorageFull).into(),
        };
        for (error, kind, text) in [
            (
                code("NoSuchBucket"),
                ErrorKind::InputMissing,
                "bucket `bucket` does not exist",
            ),
            (
                code("AuthorizationHeaderMalformed"),
                ErrorKind::Failed,
                "bucket `bucket` lies in another region",
            ),
            (
                code("ExpiredToken"),
                ErrorKind::Failed,
                "the credentials have expired",
            ),
            (
                status("503"),
                ErrorKind::TryAgain,
                "the store asks to slow down",
            ),
            (
                status("500"),
                ErrorKind::TryAgain,
                "the store does not answer",
            ),
            (
                status("403"),
                ErrorKind::Failed,
                "no permission on bucket `bucket`",
            ),
            (
                disk,
                ErrorKind::Failed,
                "the disk that holds bucket `bucket` is full",
            ),
        ] {
            let explained = explain(error, "read `a.csv`", &location);
            assert_eq!(explained.kind(), kind, "{explained}");
            assert_eq!(
                explained.to_string(),
                format!("cannot read `a.csv`: {text}")
            );
            assert!(explained.hint_text().is_some());
        }
    }
}
