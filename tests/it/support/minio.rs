//! A real `MinIO`, as `.ci/minio` installs it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::signer::Signer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::s3_server::{BUCKET, KEY_ID, SECRET_KEY};

/// A server process with one bucket. It ends with the test.
pub struct MinIo {
    pub endpoint: String,
    process: Child,
    _folder: TempDir,
}

impl Drop for MinIo {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl MinIo {
    pub async fn start() -> Self {
        let binary =
            binary().expect("run `.ci/minio` first, or name the binary in DRIVETRAIN_MINIO");
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let process = Command::new(binary)
            .args(["server", "--quiet", "--address", &address.to_string()])
            .arg(folder.path())
            .env("MINIO_ROOT_USER", KEY_ID)
            .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
            .env("MINIO_BROWSER", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            endpoint: format!("http://{address}"),
            process,
            _folder: folder,
        };
        tokio::time::timeout(Duration::from_mins(1), ready(address))
            .await
            .expect("MinIO is ready within a minute");
        create_bucket(&server.endpoint, address).await;
        server
    }
}

fn binary() -> Option<PathBuf> {
    if let Some(binary) = std::env::var_os("DRIVETRAIN_MINIO") {
        return Some(binary.into());
    }
    let cache = std::env::var_os("DRIVETRAIN_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("XDG_CACHE_HOME")?).join("drivetrain")))
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/drivetrain")))?;
    let script = include_str!("../../../.ci/minio");
    let version = script
        .lines()
        .find_map(|line| line.strip_prefix("version="))?;
    let binary = cache.join(format!("minio-{version}")).join("minio");
    binary.exists().then_some(binary)
}

/// Sends one request and returns the status.
async fn request(address: SocketAddr, method: &str, target: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other(answer.into_owned()))
}

async fn ready(address: SocketAddr) {
    while !matches!(
        request(address, "GET", "/minio/health/ready").await,
        Ok(200)
    ) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn create_bucket(endpoint: &str, address: SocketAddr) {
    let client = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(BUCKET)
        .with_access_key_id(KEY_ID)
        .with_secret_access_key(SECRET_KEY)
        .build()
        .unwrap();
    let put = "PUT".parse().unwrap();
    let url = client
        .signed_url(put, &Path::default(), Duration::from_mins(1))
        .await
        .unwrap();
    let target = url.as_str().strip_prefix(endpoint).unwrap();
    // MinIO reports that it is ready shortly before it is.
    let created = async { while request(address, "PUT", target).await.unwrap() == 503 {} };
    tokio::time::timeout(Duration::from_mins(1), created)
        .await
        .expect("MinIO creates a bucket within a minute");
}
