//! The gate of the S3 server in this process. With it, a test sees every request, holds one back, or answers it as AWS
//! would.
//!
//! The binary under test does not know of the gate. While its request waits there, the test kills the binary or runs
//! another one.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;
use tokio::sync::Notify;

/// One request: its method, its object name in the bucket (for a listing, the prefix), and the query of its URL.
#[derive(Clone, Debug)]
pub struct S3Request {
    pub method: Method,
    pub key: String,
    pub query: String,
}

impl S3Request {
    pub fn of<B>(request: &hyper::Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let path = decoded(request.uri().path());
        let (_, key) = path[1..].split_once('/').unwrap_or_default();
        let prefix = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("prefix="));
        Self {
            method: request.method().clone(),
            key: prefix.map_or_else(|| key.to_owned(), decoded),
            query,
        }
    }

    pub fn lists(&self) -> bool {
        self.query.contains("list-type=2")
    }

    /// `true` if the request reads an object or its metadata.
    pub fn reads(&self) -> bool {
        !self.lists() && (self.method == Method::GET || self.method == Method::HEAD)
    }

    pub fn opens_upload(&self) -> bool {
        self.method == Method::POST && self.query.starts_with("uploads")
    }

    pub fn sends_part(&self) -> bool {
        self.method == Method::PUT && self.query.contains("partNumber=")
    }

    pub fn completes(&self) -> bool {
        self.method == Method::POST && self.query.contains("uploadId=")
    }

    pub fn aborts(&self) -> bool {
        self.method == Method::DELETE && self.query.contains("uploadId=")
    }

    pub fn deletes(&self) -> bool {
        self.query == "delete"
            || self.query == "delete="
            || (self.method == Method::DELETE && !self.aborts())
    }

    pub fn puts(&self, part: &str) -> bool {
        self.method == Method::PUT && self.query.is_empty() && self.key.contains(part)
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        if let (b'%', Some(byte)) = (first, byte) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Time at which a request waits: before its effect, or after its effect and before its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

type Matches = dyn Fn(&S3Request) -> bool + Send;

struct Rule {
    matches: Box<Matches>,
    /// Number of matching requests that pass before the rule applies.
    pass: usize,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Hold(When, Sender<S3Request>, Arc<Notify>),
    Answer(u16, String),
    /// The request has its effect, but the client gets this answer in place of the real one.
    Lose(u16, String),
}

/// A request that the gate holds back, now or as soon as it comes.
pub struct HeldRequest {
    reached: Receiver<S3Request>,
    resume: Arc<Notify>,
}

impl HeldRequest {
    /// Waits until the request has come to the gate.
    #[track_caller]
    pub fn reached(&self) -> S3Request {
        self.reached
            .recv_timeout(Duration::from_mins(1))
            .expect("the request comes within a minute")
    }

    pub fn resume(&self) {
        self.resume.notify_one();
    }
}

/// Decision about a request: the server handles it, the gate answers it, or its answer is replaced.
pub enum Passage {
    Through(Option<(Sender<S3Request>, Arc<Notify>)>),
    Answered(u16, String),
    Lost(u16, String),
}

/// The rules of one server. Without a rule, every request passes.
#[derive(Default)]
pub struct Gate {
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<S3Request>>,
}

impl Gate {
    /// Holds back only the `nth` of the matching requests that come from now on, counted from 1.
    pub fn hold(
        &self,
        when: When,
        nth: usize,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
    ) -> HeldRequest {
        let (sender, reached) = channel();
        let resume = Arc::new(Notify::new());
        let action = Action::Hold(when, sender, Arc::clone(&resume));
        self.add(matches, nth - 1, action);
        HeldRequest { reached, resume }
    }

    /// Answers every matching request that comes from now on, which then has no effect.
    pub fn answer(
        &self,
        status: u16,
        body: &str,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
    ) {
        self.add(matches, 0, Action::Answer(status, body.to_owned()));
    }

    /// Lets the next matching request have its effect, but replaces its answer.
    pub fn lose(
        &self,
        status: u16,
        body: &str,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
    ) {
        self.add(matches, 0, Action::Lose(status, body.to_owned()));
    }

    fn add(
        &self,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
        pass: usize,
        action: Action,
    ) {
        self.rules.lock().unwrap().push(Rule {
            matches: Box::new(matches),
            pass,
            action,
        });
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules.lock().unwrap().clear();
    }

    /// Returns the requests since the last call of this function.
    pub fn take_requests(&self) -> Vec<S3Request> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Records a request and applies its rule. Waits here if the rule holds the request back before its effect.
    pub async fn pass(&self, seen: &S3Request) -> Passage {
        self.seen.lock().unwrap().push(seen.clone());
        match self.action(seen) {
            None => Passage::Through(None),
            Some(Action::Answer(status, body)) => Passage::Answered(status, body),
            Some(Action::Lose(status, body)) => Passage::Lost(status, body),
            Some(Action::Hold(When::After, reached, resume)) => {
                Passage::Through(Some((reached, resume)))
            }
            Some(Action::Hold(When::Before, reached, resume)) => {
                reached.send(seen.clone()).ok();
                resume.notified().await;
                Passage::Through(None)
            }
        }
    }

    fn action(&self, seen: &S3Request) -> Option<Action> {
        let mut rules = self.rules.lock().unwrap();
        let index = rules.iter().position(|rule| (rule.matches)(seen))?;
        if rules[index].pass > 0 {
            rules[index].pass -= 1;
            return None;
        }
        Some(match &rules[index].action {
            // These rules apply once: the same request of a second process must not wait.
            Action::Hold(..) | Action::Lose(..) => rules.remove(index).action,
            answer @ Action::Answer(..) => answer.clone(),
        })
    }
}
