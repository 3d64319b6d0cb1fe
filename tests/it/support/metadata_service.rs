//! Version 2 of the instance metadata service of EC2, as far as credentials of a role and notices of spot interruptions
//! need it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct MetadataService {
    pub endpoint: String,
    requested: Arc<Mutex<Vec<String>>>,
}

impl MetadataService {
    /// Starts the service of an instance whose role has this key.
    pub fn start(key: &str, secret: &str) -> Self {
        let credentials = format!(
            "{{\"Code\": \"Success\", \"Type\": \"AWS-HMAC\", \"LastUpdated\": \"2026-01-01T00:00:00Z\", \
             \"AccessKeyId\": \"{key}\", \"SecretAccessKey\": \"{secret}\", \"Token\": \"token\", \
             \"Expiration\": \"2099-01-01T00:00:00Z\"}}"
        );
        Self::serve(Some(credentials), None)
    }

    /// Starts the service of an instance without a role.
    pub fn without_role() -> Self {
        Self::serve(None, None)
    }

    /// Starts the service of a spot instance that will be terminated.
    pub fn with_notice() -> Self {
        let notice = "{\"action\": \"terminate\", \"time\": \"2099-12-01T08:22:00Z\"}";
        Self::serve(None, Some(notice.to_owned()))
    }

    fn serve(credentials: Option<String>, notice: Option<String>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requested = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requested);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(
                    stream.unwrap(),
                    credentials.as_deref(),
                    notice.as_deref(),
                    &noted,
                );
            }
        });
        Self {
            endpoint,
            requested,
        }
    }

    /// Returns the paths of the requests so far.
    pub fn requested_paths(&self) -> Vec<String> {
        self.requested.lock().unwrap().clone()
    }
}

fn answer(
    mut stream: TcpStream,
    credentials: Option<&str>,
    notice: Option<&str>,
    requested: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else {
        return;
    };
    let token = "x-aws-ec2-metadata-token: secret";
    let mut with_token = false;
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        with_token |= line.eq_ignore_ascii_case(token);
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    requested.lock().unwrap().push(path.clone());
    let roles = path.split_once("/iam/security-credentials");
    let (status, body) = match (roles, credentials) {
        _ if path == "/latest/api/token" => ("200 OK", "secret"),
        _ if !with_token => ("401 Unauthorized", ""),
        _ if path.ends_with("/spot/instance-action") && notice.is_some() => {
            ("200 OK", notice.unwrap_or_default())
        }
        (Some((_, "" | "/")), Some(_)) => ("200 OK", "data-role"),
        (Some((_, "/data-role")), Some(credentials)) => ("200 OK", credentials),
        _ => ("404 Not Found", ""),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok();
}
