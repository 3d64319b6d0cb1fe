//! Converts store failures to errors that name the cause and the remedy.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{Error, ErrorKind};
use crate::store::aws_sdk::profile;
use crate::store::frozen_store::replaced;
use crate::store::location::Location;

/// The class of a store's failure. Failures with the same remedy share a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFailure {
    /// The store's TLS certificate is untrusted.
    Certificate,
    /// The local clock differs too much from the store's.
    Clock,
    /// The store does not accept the credentials: the key is unknown, or its signature is wrong.
    Credentials,
    /// The store has no space left.
    DiskFull,
    /// The credentials have expired.
    Expired,
    /// The bucket does not exist.
    MissingBucket,
    /// The object, or the folder of a store, does not exist.
    MissingObject,
    /// A part of the path that must be a folder is a file.
    NoFolder,
    /// The volume does not support hard links.
    NoHardLinks,
    /// The credentials, or the user, lack a permission.
    Permission,
    /// The bucket is in another region than the client assumes.
    Region,
    /// The object was replaced or deleted after it was listed.
    Replaced,
    /// The store answered that it failed to process the request, which a retry may correct.
    ServerError,
    /// The store asked to send fewer requests.
    Throttled,
    /// The store refused the request for a reason that has no class of its own.
    Unknown,
    /// The store did not answer.
    Unreachable,
}

/// Converts a store's error to one that names the location and the remedy, with the kind that decides the exit code.
///
/// `operation` is the failed operation as a phrase that follows "cannot" in the message, such as "read
/// `s3://bucket/key`".
#[must_use]
pub fn explain(
    error: object_store::Error,
    operation: impl fmt::Display,
    location: &Location,
) -> Error {
    let (failure, chain) = failure(&error);
    let (kind, what, hint) = meaning(failure, &chain, location);
    let explained = Error::new(kind, format!("cannot {operation}: {what}")).caused_by(error);
    match hint {
        Some(hint) => explained.hint(hint),
        None => explained,
    }
}

impl StoreFailure {
    /// Returns the class of a store's error, by its type and by the code and status in the store's answer.
    pub(crate) fn of(error: &object_store::Error) -> Self {
        failure(error).0
    }
}

/// Returns the error code in S3's answer; `None` if the answer has no code.
pub(crate) fn s3_code(error: &object_store::Error) -> Option<String> {
    Chain::of(error).code().map(str::to_owned)
}

/// Returns the kind, the message and the hint of a failure.
fn meaning(
    failure: StoreFailure,
    chain: &Chain,
    location: &Location,
) -> (ErrorKind, String, Option<String>) {
    let hinted = |kind, what: String, hint: &str| (kind, what, Some(hint.to_owned()));
    let (bucket, credentials) = match location {
        Location::S3 { bucket, .. } => (format!("bucket `{bucket}`"), credentials()),
        place => (format!("`{place}`"), "the credentials".to_owned()),
    };
    let (missing, check) = match location {
        Location::Folder(_) => ("no such file or folder", "check the path"),
        _ => ("no such object", "check the bucket and the prefix"),
    };
    match failure {
        StoreFailure::Certificate => hinted(
            ErrorKind::Failed,
            format!("the store of {bucket} presents an untrusted TLS certificate"),
            "check the host in AWS_ENDPOINT_URL, or set SSL_CERT_FILE to a file with the certificate of the authority that signed it",
        ),
        StoreFailure::Clock => hinted(
            ErrorKind::Failed,
            format!("the store of {bucket} says that this machine's clock is wrong"),
            "set the clock of this machine: S3 refuses requests whose time is off by more than 15 minutes",
        ),
        StoreFailure::Credentials => hinted(
            ErrorKind::Failed,
            if chain.lacks_credentials {
                format!("{credentials} for {bucket} cannot be renewed")
            } else {
                format!("the store does not accept {credentials} for {bucket}")
            },
            "run `aws sts get-caller-identity` to see whose credentials are used; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        StoreFailure::DiskFull => hinted(
            ErrorKind::Failed,
            format!("the disk that holds {bucket} is full"),
            "free space on that disk, then run the same command again",
        ),
        StoreFailure::Expired => hinted(
            ErrorKind::Failed,
            format!("{credentials} for {bucket} have expired"),
            "log in again (`aws sso login`) or set new credentials, then run the same command again",
        ),
        StoreFailure::MissingBucket => hinted(
            ErrorKind::InputMissing,
            format!("{bucket} does not exist"),
            "check the bucket's name, and that AWS_ENDPOINT_URL points to the right store",
        ),
        StoreFailure::MissingObject => hinted(ErrorKind::InputMissing, missing.to_owned(), check),
        StoreFailure::NoFolder => hinted(
            ErrorKind::InputMissing,
            "the path is not a folder".to_owned(),
            "pass the path of a folder; raw data belongs in `<input>/raw/<dataset>/`",
        ),
        StoreFailure::NoHardLinks => hinted(
            ErrorKind::Failed,
            format!("the volume of {bucket} does not support hard links, which a commit needs"),
            "put the output on a volume that supports them (ext4, xfs, APFS), or on S3",
        ),
        StoreFailure::Permission => hinted(
            ErrorKind::Failed,
            match location {
                Location::S3 { .. } => format!("{credentials} have no permission on {bucket}"),
                _ => format!("no permission on {bucket}"),
            },
            &match location {
                Location::Folder(_) => {
                    "check the owner and the mode of the folder and its files".to_owned()
                }
                _ => format!(
                    "check the policy of these credentials: it must allow get, put, list, delete and multipart uploads below `{location}`"
                ),
            },
        ),
        StoreFailure::Region => other_region(chain.region(), &bucket),
        StoreFailure::Replaced => hinted(
            ErrorKind::TryAgain,
            "the object was replaced or deleted after this run listed it".to_owned(),
            "run the same command again: it reads the new version",
        ),
        StoreFailure::ServerError => hinted(
            ErrorKind::TryAgain,
            format!("the store of {bucket} answered with a server error"),
            "run the same command again later; if it fails again, look at the status page or the logs of the store",
        ),
        StoreFailure::Throttled => hinted(
            ErrorKind::TryAgain,
            format!("the store of {bucket} is throttling requests"),
            "run the same command again later",
        ),
        StoreFailure::Unreachable => hinted(
            ErrorKind::TryAgain,
            format!("the store of {bucket} does not answer"),
            "check the network and AWS_ENDPOINT_URL, then run the same command again",
        ),
        StoreFailure::Unknown => (
            ErrorKind::Failed,
            "the store refused the request".to_owned(),
            None,
        ),
    }
}

/// Returns the kind, the message and the hint for a bucket in another region, which S3's answer may name.
fn other_region(region: Option<&str>, bucket: &str) -> (ErrorKind, String, Option<String>) {
    let (message, hint) = match region {
        Some(region) => (
            format!("{bucket} is in the region `{region}`"),
            format!("set AWS_REGION={region}"),
        ),
        None => (
            format!("{bucket} is in another region"),
            "set AWS_REGION to the bucket's region (`aws s3api get-bucket-location` shows it)"
                .to_owned(),
        ),
    };
    (ErrorKind::Failed, message, Some(hint))
}

/// Returns the phrase by which messages name the credentials, with their profile if one is set.
fn credentials() -> String {
    match profile() {
        Some(profile) => format!("the credentials of profile `{profile}`"),
        None => "the credentials".to_owned(),
    }
}

/// Classifies a failure, and returns the facts in its causes from which the message is built.
fn failure(error: &object_store::Error) -> (StoreFailure, Chain) {
    use object_store::Error as Store;
    let chain = Chain::of(error);
    let by_kind = || match error {
        Store::NotFound { .. } => StoreFailure::MissingObject,
        Store::PermissionDenied { .. } => StoreFailure::Permission,
        Store::Unauthenticated { .. } => StoreFailure::Credentials,
        Store::Precondition { .. } => StoreFailure::Replaced,
        _ if chain.http.is_some() => StoreFailure::Unreachable,
        _ => chain.status().map_or(StoreFailure::Unknown, by_status),
    };
    let failure = match replaced(error) {
        Some(_) => StoreFailure::Replaced,
        // The TLS library's error type cannot be reached here, so its text is matched.
        None if chain.text.contains("invalid peer certificate") => StoreFailure::Certificate,
        None => chain
            .code()
            .and_then(by_code)
            .or_else(|| chain.io.and_then(by_io))
            .unwrap_or_else(by_kind),
    };
    (failure, chain)
}

/// Classifies the error code in S3's answer, which is more precise than the status; `None` for any other code.
fn by_code(code: &str) -> Option<StoreFailure> {
    Some(match code {
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => StoreFailure::Permission,
        "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "PermanentRedirect" => StoreFailure::Region,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => StoreFailure::Expired,
        "InvalidAccessKeyId" | "InvalidToken" | "SignatureDoesNotMatch" => {
            StoreFailure::Credentials
        }
        "NoSuchBucket" => StoreFailure::MissingBucket,
        "RequestTimeTooSkewed" => StoreFailure::Clock,
        "SlowDown" | "ServiceUnavailable" | "Throttling" | "TooManyRequests" => {
            StoreFailure::Throttled
        }
        "InternalError" | "OperationAborted" => StoreFailure::ServerError,
        "RequestTimeout" => StoreFailure::Unreachable,
        "XMinioStorageFull" => StoreFailure::DiskFull,
        _ => return None,
    })
}

/// Classifies an I/O error by its kind; `None` for a kind without a remedy of its own.
fn by_io(kind: io::ErrorKind) -> Option<StoreFailure> {
    Some(match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreFailure::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreFailure::Permission
        }
        io::ErrorKind::NotADirectory => StoreFailure::NoFolder,
        io::ErrorKind::TimedOut | io::ErrorKind::ConnectionRefused => StoreFailure::Unreachable,
        // The file store returns this kind for a volume that refuses hard links.
        io::ErrorKind::Unsupported => StoreFailure::NoHardLinks,
        _ => return None,
    })
}

/// Classifies an HTTP status, for an answer without a known code.
fn by_status(status: u16) -> StoreFailure {
    match status {
        301 | 307 | 308 => StoreFailure::Region,
        401 => StoreFailure::Credentials,
        403 => StoreFailure::Permission,
        429 | 503 => StoreFailure::Throttled,
        408 => StoreFailure::Unreachable,
        500..=599 => StoreFailure::ServerError,
        _ => StoreFailure::Unknown,
    }
}

/// The facts found in an error's chain of causes. `object_store` keeps the type of an HTTP answer private, so code and
/// status are parsed from its text.
struct Chain {
    /// The texts of the error and all its causes, one per line.
    text: String,
    /// The kind of the first I/O error in the chain; `None` if there is no I/O error.
    io: Option<io::ErrorKind>,
    /// The kind of the first HTTP client error in the chain; `None` if the client did not fail.
    http: Option<HttpErrorKind>,
    /// `true` if the AWS SDK found no credentials, so that the store was not asked.
    lacks_credentials: bool,
}

impl Chain {
    /// Collects the texts and kinds of an error and its causes.
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut chain = Self {
            text: String::new(),
            io: None,
            http: None,
            lacks_credentials: false,
        };
        let mut next = Some(error);
        while let Some(error) = next {
            chain.text.push_str(&error.to_string());
            chain.text.push('\n');
            if let Some(error) = error.downcast_ref::<io::Error>() {
                chain.io = chain.io.or(Some(error.kind()));
            }
            chain.lacks_credentials |= error.is::<CredentialsError>();
            if let Some(error) = error.downcast_ref::<HttpError>() {
                chain.http = chain.http.or(Some(error.kind()));
            }
            next = error.source();
        }
        chain
    }

    /// Returns the S3 error code in the answer; `None` if the answer has no code.
    fn code(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("<Code>")?;
        rest.split_once("</Code>").map(|(code, _)| code)
    }

    /// Returns the bucket's region, if the answer names it.
    fn region(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("<Region>")?;
        rest.split_once("</Region>").map(|(region, _)| region)
    }

    /// Returns the HTTP status of the answer; 301 for a redirect without a target, which is S3's answer from another
    /// region.
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
    fn each_failure_has_its_kind_message_and_hint() {
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
                "bucket `bucket` is in another region",
            ),
            (
                code("ExpiredToken"),
                ErrorKind::Failed,
                "the credentials for bucket `bucket` have expired",
            ),
            (
                status("503"),
                ErrorKind::TryAgain,
                "the store of bucket `bucket` is throttling requests",
            ),
            (
                status("500"),
                ErrorKind::TryAgain,
                "the store of bucket `bucket` answered with a server error",
            ),
            (
                status("403"),
                ErrorKind::Failed,
                "the credentials have no permission on bucket `bucket`",
            ),
            (
                generic("error sending request: invalid peer certificate: UnknownIssuer"),
                ErrorKind::Failed,
                "the store of bucket `bucket` presents an untrusted TLS certificate",
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
