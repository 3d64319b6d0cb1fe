//! Runs of the real binary while S3 refuses, throttles, is in another region or is down: each error names the bucket
//! and has a hint.

use std::net::{Ipv4Addr, TcpListener};

use crate::support::s3_gate::S3Request;
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

const RUN: &str = "run ./sales --input sales/sample --output s3://bucket/out";

fn sandbox(server: &S3Server) -> Sandbox {
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    sandbox
}

/// Asserts that there is no table and no log.
#[track_caller]
fn assert_nothing_published(server: &S3Server) {
    assert!(!server.path("out/sales").exists());
    assert!(!server.path("out/_drivetrain/sales/log").exists());
}

/// Returns the XML body of an error that S3 answers.
fn body(code: &str, message: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}\
         <RequestId>4442587FB7D0A2F9</RequestId><HostId>host</HostId></Error>"
    )
}

#[test]
fn each_refusal_of_aws_is_reported_with_the_bucket_and_a_hint() {
    let wrong_region = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'";
    for (status, code, message, more, exit, says) in [
        (
            400,
            "ExpiredToken",
            "The provided token has expired.",
            "<Token-0>x</Token-0>",
            1,
            [
                "the credentials for bucket `bucket` have expired",
                "aws sso login",
            ],
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            wrong_region,
            "<Region>eu-central-1</Region>",
            1,
            [
                "bucket `bucket` is in the region `eu-central-1`",
                "set AWS_REGION=eu-central-1",
            ],
        ),
        (
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint.",
            "<Endpoint>bucket.s3-eu-central-1.amazonaws.com</Endpoint><Bucket>bucket</Bucket>",
            1,
            ["bucket `bucket` is in another region", "AWS_REGION"],
        ),
        (
            403,
            "AccessDenied",
            "Access Denied",
            "",
            1,
            [
                "the credentials have no permission on bucket `bucket`",
                "the policy of these credentials",
            ],
        ),
        (
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            "<AWSAccessKeyId>AKIA</AWSAccessKeyId>",
            1,
            [
                "does not accept the credentials for bucket `bucket`",
                "aws sts get-caller-identity",
            ],
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match.",
            "",
            1,
            [
                "does not accept the credentials for bucket `bucket`",
                "AWS_PROFILE",
            ],
        ),
        (
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            "",
            1,
            [
                "the store of bucket `bucket` says that this machine's clock is wrong",
                "set the clock of this machine",
            ],
        ),
        (
            404,
            "NoSuchBucket",
            "The specified bucket does not exist",
            "<BucketName>bucket</BucketName>",
            3,
            ["bucket `bucket` does not exist", "check the bucket's name"],
        ),
    ] {
        let server = S3Server::start();
        let sandbox = sandbox(&server);
        server
            .gate
            .answer(status, &body(code, message, more), |_| true);
        sandbox.run(RUN).fails(exit, &says);
        sandbox.run(RUN).fails(exit, &["hint:", "s3://bucket/out/"]);
        assert_nothing_published(&server);
        server.gate.clear();
        sandbox.run(RUN).succeeds();
    }
}

#[test]
fn a_role_that_may_read_and_not_write_fails_before_anything_is_computed() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    server
        .gate
        .answer(403, &body("AccessDenied", "Access Denied", ""), |request| {
            request.method != hyper::Method::GET
        });
    let ran = sandbox.run(RUN);
    ran.fails(
        1,
        &[
            "no permission on bucket `bucket`",
            "get, put, list, delete and multipart",
        ],
    );
    assert!(!ran.stderr.contains("compute"), "{}", ran.stderr);
    assert_nothing_published(&server);
}

#[test]
fn a_store_that_throttles_or_is_down_can_be_retried() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    server.gate.answer(
        503,
        &body("SlowDown", "Please reduce your request rate.", ""),
        |_| true,
    );
    sandbox.run(RUN).fails(
        75,
        &[
            "the store of bucket `bucket` is throttling requests",
            "again later",
        ],
    );
    server.gate.clear();
    server.gate.answer(
        500,
        &body(
            "InternalError",
            "We encountered an internal error. Please try again.",
            "",
        ),
        |_| true,
    );
    sandbox.run(RUN).fails(
        75,
        &[
            "the store of bucket `bucket` answered with a server error",
            "run the same command again later",
        ],
    );
    assert_nothing_published(&server);
}

#[test]
fn an_undecided_commit_is_reported_and_settled_by_the_same_command() {
    for landed in [false, true] {
        let server = S3Server::start();
        let sandbox = sandbox(&server);
        let record = |request: &S3Request| request.key.ends_with("/log/00000000000000000001.json");
        let error = body("InternalError", "We encountered an internal error.", "");
        if landed {
            server.gate.lose(500, &error, move |request| {
                request.puts("/log/0") && record(request)
            });
        }
        server.gate.answer(500, &error, record);
        sandbox.run(RUN).fails(
            75,
            &["was committed as record 1", "run the same command again"],
        );
        assert_eq!(server.path("out/_drivetrain/sales/log").exists(), landed);
        assert!(!server.path("out/sales").exists());
        server.gate.clear();
        sandbox.run(RUN).succeeds();
        let rows = sandbox.query("select count(*) from daily_sales", "s3://bucket/out");
        assert_eq!(rows, ["4"]);
        let log = sandbox.json("runs sales --output s3://bucket/out");
        assert_eq!(log.as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_bucket_that_does_not_exist_is_missing_input() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    let says = [
        "bucket `elsewhere` does not exist",
        "check the bucket's name",
    ];
    sandbox
        .run("run ./sales --input sales/sample --output s3://elsewhere/out")
        .fails(3, &says);
    sandbox
        .run("run ./sales --input s3://elsewhere/in --output s3://bucket/out")
        .fails(3, &says);
    sandbox
        .run("run ./sales --input s3://bucket/in --output s3://bucket/out")
        .fails(3, &["raw/orders/` holds no objects"]);
    sandbox
        .run("query 1 --output s3://elsewhere/out")
        .fails(3, &says);
    assert_nothing_published(&server);
}

#[test]
fn an_endpoint_that_is_down_can_be_retried() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let ran = sandbox.run_with(RUN, "AWS_ENDPOINT_URL", &format!("http://{closed}"));
    ran.fails(
        75,
        &[
            "the store of bucket `bucket` does not answer",
            "AWS_ENDPOINT_URL",
        ],
    );
}

#[test]
fn an_endpoint_that_is_not_a_url_is_a_usage_error() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    for endpoint in [
        "localhost:9000",
        "127.0.0.1:9000",
        "bogus",
        "http://",
        "http://localhost:99999",
    ] {
        let ran = sandbox.run_with(RUN, "AWS_ENDPOINT_URL", endpoint);
        ran.fails(
            2,
            &[
                &format!("the endpoint `{endpoint}` is not an `http://` or `https://` URL"),
                "hint: set AWS_ENDPOINT_URL",
                "such as `http://localhost:9000`",
            ],
        );
    }
}

#[test]
fn an_https_endpoint_that_does_not_speak_tls_can_be_retried() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    let https = server.endpoint.replace("http://", "https://");
    let ran = sandbox.run_with(RUN, "AWS_ENDPOINT_URL", &https);
    ran.fails(
        75,
        &[
            "the store of bucket `bucket` does not answer",
            "AWS_ENDPOINT_URL",
        ],
    );
}
