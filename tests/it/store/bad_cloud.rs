//! S3 that refuses, throttles, lies elsewhere or is down, and credentials that are found in every way: each message names the
//! bucket, the profile where there is one, and the way out.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::support::metadata_service::MetadataService;
use crate::support::process_output::ProcessOutput;
use crate::support::s3_gate::S3Request;
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

const RUN: &str = "run ./sales --input sales/sample --output s3://bucket/out";

fn sandbox(server: &S3Server) -> Sandbox {
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    sandbox
}

/// What is there for those who read.
fn nothing_is_published(server: &S3Server) {
    assert!(!server.path("out/sales").exists());
    let log = fs::read_dir(server.path("out/_drivetrain/sales/log"));
    assert!(log.is_err(), "{log:?}");
}

/// An answer as AWS gives it.
fn body(code: &str, message: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}\
         <RequestId>4442587FB7D0A2F9</RequestId><HostId>host</HostId></Error>"
    )
}

#[test]
fn what_aws_refuses_is_said_with_the_bucket_and_the_way_out() {
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
                "bucket `bucket` lies in the region `eu-central-1`",
                "set AWS_REGION=eu-central-1",
            ],
        ),
        (
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint.",
            "<Endpoint>bucket.s3-eu-central-1.amazonaws.com</Endpoint><Bucket>bucket</Bucket>",
            1,
            ["bucket `bucket` lies in another region", "AWS_REGION"],
        ),
        (
            403,
            "AccessDenied",
            "Access Denied",
            "",
            1,
            [
                "the credentials have no permission on bucket `bucket`",
                "the role's policy",
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
                "set the clock",
            ],
        ),
        (
            404,
            "NoSuchBucket",
            "The specified bucket does not exist",
            "<BucketName>bucket</BucketName>",
            3,
            ["bucket `bucket` does not exist", "check the name"],
        ),
    ] {
        let server = S3Server::start();
        let sandbox = sandbox(&server);
        server
            .gate
            .answer(status, &body(code, message, more), |_| true);
        sandbox.run(RUN).fails(exit, &says);
        sandbox.run(RUN).fails(exit, &["hint:", "s3://bucket/out/"]);
        nothing_is_published(&server);
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
    nothing_is_published(&server);
}

#[test]
fn a_store_that_asks_to_slow_down_or_is_down_is_worth_another_try() {
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
            "the store of bucket `bucket` asks to slow down",
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
    sandbox
        .run(RUN)
        .fails(75, &["the store of bucket `bucket` does not answer"]);
    nothing_is_published(&server);
}

#[test]
fn a_commit_of_which_nobody_knows_is_said_to_be_so_and_settled_by_the_same_command() {
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
            &["as record 1 is undecided", "run the same command again"],
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
    let says = ["bucket `elsewhere` does not exist", "check the name"];
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
    nothing_is_published(&server);
}

#[test]
fn an_endpoint_that_is_down_is_worth_another_try() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let ran = sandbox.run_with(RUN, "AWS_ENDPOINT_URL", &format!("http://{nobody}"));
    ran.fails(
        75,
        &[
            "the store of bucket `bucket` does not answer",
            "AWS_ENDPOINT_URL",
        ],
    );
}

#[test]
fn an_endpoint_that_is_no_url_is_a_wrong_setting() {
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
                &format!("the endpoint `{endpoint}` is no address of a store"),
                "hint: write AWS_ENDPOINT_URL",
                "like `http://localhost:9000`",
            ],
        );
    }
}

#[test]
fn an_endpoint_that_does_not_speak_tls_is_not_spoken_to_over_https() {
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

#[test]
fn credentials_are_looked_for_before_anything_else_and_missing_ones_are_said_to_be() {
    let server = S3Server::start();
    let sandbox = sandbox(&server);
    let run = |variables: &[(&str, &str)]| {
        let words: Vec<&str> = RUN.split(' ').collect();
        let mut command = sandbox.command(&words);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        // The SDK looks for its caches there.
        command.env("HOME", sandbox.path("home"));
        ProcessOutput::from(command.envs(variables.iter().copied()).output().unwrap())
    };
    run(&[]).fails(
        1,
        &[
            "no credentials are found for bucket `bucket`",
            "aws sso login",
        ],
    );
    let says = [
        "no credentials are found for bucket `bucket` by profile `nobody`",
        "correct the profile",
    ];
    run(&[("AWS_PROFILE", "nobody")]).fails(1, &says);

    // Single sign-on whose cached token has expired.
    sandbox.write(
        "config",
        "[profile work]\nsso_session = office\nsso_account_id = 123456789012\nsso_role_name = Data\nregion = us-east-1\n\
         [sso-session office]\nsso_region = us-east-1\nsso_start_url = https://office.awsapps.com/start\n",
    );
    // The SHA-1 of the session's name.
    sandbox.write(
        "home/.aws/sso/cache/e6427457497fe0f4f93a7334d2203b8e17ee82df.json",
        "{\"accessToken\": \"x\", \"expiresAt\": \"2020-01-01T00:00:00Z\"}",
    );
    let config = sandbox.path("config");
    let config = ("AWS_CONFIG_FILE", config.to_str().unwrap());
    let says = [
        "by profile `work`",
        "cause:",
        "aws sso login --profile work",
    ];
    run(&[config, ("AWS_PROFILE", "work")]).fails(1, &says);

    // A process that hands credentials out, and one that fails.
    let keys = server.variables();
    let answer = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}",
        keys[1].1, keys[2].1
    );
    sandbox.write("answer.json", answer);
    sandbox.write(
        "config",
        format!(
            "[profile vault]\ncredential_process = cat {}\n[profile locked]\ncredential_process = false\n",
            sandbox.path("answer.json").display()
        ),
    );
    run(&[config, ("AWS_PROFILE", "locked")]).fails(1, &["by profile `locked`", "hint:"]);
    nothing_is_published(&server);
    run(&[config, ("AWS_PROFILE", "vault")]).succeeds();

    // The instance's role, and an instance that has none.
    let service = MetadataService::start(&keys[1].1, &keys[2].1);
    let imds = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        (
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            service.endpoint.as_str(),
        ),
    ];
    run(&imds).succeeds();
    assert!(
        service
            .asked()
            .iter()
            .any(|path| path.ends_with("/security-credentials/data-role"))
    );
    let service = MetadataService::without_role();
    let imds = [
        imds[0],
        (
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            service.endpoint.as_str(),
        ),
    ];
    run(&imds).fails(1, &["no credentials are found for bucket `bucket`"]);
}
