//! What an EC2 instance asks for its role: version 2 of the instance metadata service, as far as credentials go.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct MetadataService {
    pub endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl MetadataService {
    /// One whose instance has a role with this key.
    pub fn start(key: &str, secret: &str) -> Self {
        let credentials = format!(
            "{{\"Code\": \"Success\", \"Type\": \"AWS-HMAC\", \"LastUpdated\": \"2026-01-01T00:00:00Z\", \
             \"AccessKeyId\": \"{key}\", \"SecretAccessKey\": \"{secret}\", \"Token\": \"token\", \
             \"Expiration\": \"2099-01-01T00:00:00Z\"}}"
        );
        Self::serve(Some(credentials))
    }

    /// One whose instance has no role.
    pub fn without_role() -> Self {
        Self::serve(None)
    }

    fn serve(credentials: Option<String>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), credentials.as_deref(), &heard);
            }
        });
        Self { endpoint, asked }
    }

    /// The paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, credentials: Option<&str>, heard: &Mutex<Vec<String>>) {
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
    heard.lock().unwrap().push(path.clone());
    let roles = path.split_once("/iam/security-credentials");
    let (status, body) = match (roles, credentials) {
        _ if path == "/latest/api/token" => ("200 OK", "secret"),
        _ if !with_token => ("401 Unauthorized", ""),
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
