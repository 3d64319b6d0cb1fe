//! All sources from which a process takes its endpoint, region and credentials.

use std::process::Command;

use bytes::Bytes;
use drivetrain_runner::store::{Location, S3Settings, Store};
use object_store::path::Path;

use crate::support::backends::Backend;
use crate::support::metadata_service::MetadataService;
use crate::support::process_output::ProcessOutput;
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

const CHILD: &str = "store::credentials::settings_as_a_process_finds_them";
const LOCATION: &str = "DRIVETRAIN_TEST_LOCATION";

/// Second part of the test below. It runs in a process of its own, with its own environment.
#[tokio::test]
#[ignore = "is started by the test of variables and profiles"]
async fn settings_as_a_process_finds_them() {
    let location = std::env::var(LOCATION).expect("its parent names a location");
    let location = Location::parse(&location).unwrap();
    let store = Store::open(&location, &S3Settings::default())
        .await
        .unwrap();
    let record = Path::from("found/record.json");
    store
        .put_new(&record, Bytes::from_static(b"1"))
        .await
        .unwrap();
    store.delete(vec![record]).await.unwrap();
}

/// The name of the case, the environment variables, and the expected error.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Option<&'a str>);

#[tokio::test(flavor = "multi_thread")]
async fn variables_and_profiles_are_found_as_the_aws_sdk_finds_them() {
    let backend = Backend::s3().await;
    let settings = backend.s3_settings();
    let endpoint = settings.endpoint.unwrap();
    let pair = settings.credentials.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let profile = format!(
        "[profile test]\nregion = eu-central-1\nservices = ours\naws_access_key_id = {}\naws_secret_access_key = {}\n\n[services ours]\ns3 =\n  endpoint_url = {endpoint}\n",
        pair.key_id, pair.secret_key
    );
    std::fs::write(&config, profile).unwrap();
    let config = config.to_str().unwrap().to_owned();
    let keys = [
        ("AWS_ACCESS_KEY_ID", pair.key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", pair.secret_key.as_str()),
        ("AWS_REGION", "us-east-1"),
    ];
    let cases: [Case; 6] = [
        (
            "any service's endpoint",
            [&keys[..], &[("AWS_ENDPOINT_URL", &endpoint)]].concat(),
            None,
        ),
        (
            "the endpoint of S3 goes before",
            [
                &keys[..],
                &[
                    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                    ("AWS_ENDPOINT_URL_S3", &endpoint),
                ],
            ]
            .concat(),
            None,
        ),
        (
            "no region, which only AWS has",
            [&keys[..2], &[("AWS_ENDPOINT_URL_S3", &endpoint)]].concat(),
            None,
        ),
        (
            "a profile",
            vec![("AWS_CONFIG_FILE", &config), ("AWS_PROFILE", "test")],
            None,
        ),
        (
            "no credentials",
            vec![("AWS_ENDPOINT_URL", &endpoint), ("AWS_REGION", "us-east-1")],
            Some("no credentials were found for bucket `bucket`"),
        ),
        (
            "no region at AWS",
            keys[..2].to_vec(),
            Some("no region is configured for bucket `bucket`"),
        ),
    ];
    for (name, variables, expected) in cases {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", CHILD, "--ignored", "--nocapture"])
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env(LOCATION, backend.location().to_string())
            .envs(variables);
        let output = tokio::task::spawn_blocking(move || child.output().unwrap());
        let output = output.await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.success(),
            expected.is_none(),
            "{name}: {text}"
        );
        assert!(text.contains(expected.unwrap_or("")), "{name}: {text}");
    }
}

#[test]
fn credentials_are_found_in_every_way_and_missing_ones_are_reported() {
    let server = S3Server::start();
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    let run = |variables: &[(&str, &str)]| {
        let line = "run ./sales --input sales/sample --output s3://bucket/out";
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = sandbox.command(&words);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        // The SDK keeps its caches there.
        command.env("HOME", sandbox.path("home"));
        ProcessOutput::from(command.envs(variables.iter().copied()).output().unwrap())
    };
    run(&[]).fails(
        1,
        &[
            "no credentials were found for bucket `bucket`",
            "aws sso login",
        ],
    );
    let says = [
        "no credentials were found for bucket `bucket` in profile `unknown`",
        "correct the profile",
    ];
    run(&[("AWS_PROFILE", "unknown")]).fails(1, &says);

    // Single sign-on with a cached token that has expired.
    sandbox.write(
        "config",
        "[profile work]\nsso_session = office\nsso_account_id = 123456789012\nsso_role_name = Data\nregion = us-east-1\n\
         [sso-session office]\nsso_region = us-east-1\nsso_start_url = https://office.awsapps.com/start\n",
    );
    // The file's name is the SHA-1 hash of the session's name.
    sandbox.write(
        "home/.aws/sso/cache/e6427457497fe0f4f93a7334d2203b8e17ee82df.json",
        "{\"accessToken\": \"x\", \"expiresAt\": \"2020-01-01T00:00:00Z\"}",
    );
    let config = sandbox.path("config");
    let config = ("AWS_CONFIG_FILE", config.to_str().unwrap());
    let says = [
        "in profile `work`",
        "cause:",
        "aws sso login --profile work",
    ];
    run(&[config, ("AWS_PROFILE", "work")]).fails(1, &says);

    // A process that prints credentials, and one that fails.
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
    run(&[config, ("AWS_PROFILE", "locked")]).fails(1, &["in profile `locked`", "hint:"]);
    assert!(!server.path("out/sales").exists());
    assert!(!server.path("out/_drivetrain/sales/log").exists());
    run(&[config, ("AWS_PROFILE", "vault")]).succeeds();

    // An instance with a role, and one without.
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
            .requested_paths()
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
    run(&imds).fails(1, &["no credentials were found for bucket `bucket`"]);
}
