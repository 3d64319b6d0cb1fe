//! The doors of the in-process S3 server: a test sees every request, holds one back, or has it answered as AWS would.
//!
//! The binary under test knows nothing of it. It is killed, or another one is run, while its request waits at a door.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;
use tokio::sync::Notify;

/// One request: its method, its key below the bucket (the prefix where it lists), and the rest of its URL.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub key: String,
    pub query: String,
}

impl Asked {
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

    /// Reads an object, or looks at it.
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

/// Whether a request waits before it has its effect, or with its effect and before its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

type Matches = dyn Fn(&Asked) -> bool + Send;

struct Door {
    matches: Box<Matches>,
    /// How many more requests pass.
    pass: usize,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Hold(When, Sender<Asked>, Arc<Notify>),
    Answer(u16, String),
    /// The request has its effect, and its answer is lost.
    Lose(u16, String),
}

/// A request that waits, or will.
pub struct Held {
    reached: Receiver<Asked>,
    open: Arc<Notify>,
}

impl Held {
    /// Waits until the request is at the door.
    #[track_caller]
    pub fn reached(&self) -> Asked {
        self.reached
            .recv_timeout(Duration::from_mins(1))
            .expect("the request comes within a minute")
    }

    pub fn go_on(&self) {
        self.open.notify_one();
    }
}

/// What is to be done with a request.
pub enum Passage {
    Through(Option<(Sender<Asked>, Arc<Notify>)>),
    Answered(u16, String),
    Lost(u16, String),
}

/// All doors of one server; without any, every request passes.
#[derive(Default)]
pub struct Gate {
    doors: Mutex<Vec<Door>>,
    asked: Mutex<Vec<Asked>>,
}

impl Gate {
    /// Holds back the `nth` matching request from now on, counted from 1, and no other.
    pub fn hold(
        &self,
        when: When,
        nth: usize,
        matches: impl Fn(&Asked) -> bool + Send + 'static,
    ) -> Held {
        let (sender, reached) = channel();
        let open = Arc::new(Notify::new());
        let action = Action::Hold(when, sender, Arc::clone(&open));
        self.add(matches, nth - 1, action);
        Held { reached, open }
    }

    /// Answers every matching request from now on.
    pub fn answer(
        &self,
        status: u16,
        body: &str,
        matches: impl Fn(&Asked) -> bool + Send + 'static,
    ) {
        self.add(matches, 0, Action::Answer(status, body.to_owned()));
    }

    /// Lets the next matching request have its effect, and answers something else.
    pub fn lose(&self, status: u16, body: &str, matches: impl Fn(&Asked) -> bool + Send + 'static) {
        self.add(matches, 0, Action::Lose(status, body.to_owned()));
    }

    fn add(&self, matches: impl Fn(&Asked) -> bool + Send + 'static, pass: usize, action: Action) {
        self.doors.lock().unwrap().push(Door {
            matches: Box::new(matches),
            pass,
            action,
        });
    }

    /// Takes all doors away.
    pub fn clear(&self) {
        self.doors.lock().unwrap().clear();
    }

    /// All requests since this was last asked.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Waits where the request is to wait before its effect.
    pub async fn pass(&self, asked: &Asked) -> Passage {
        self.asked.lock().unwrap().push(asked.clone());
        match self.action(asked) {
            None => Passage::Through(None),
            Some(Action::Answer(status, body)) => Passage::Answered(status, body),
            Some(Action::Lose(status, body)) => Passage::Lost(status, body),
            Some(Action::Hold(When::After, reached, open)) => {
                Passage::Through(Some((reached, open)))
            }
            Some(Action::Hold(When::Before, reached, open)) => {
                reached.send(asked.clone()).ok();
                open.notified().await;
                Passage::Through(None)
            }
        }
    }

    fn action(&self, asked: &Asked) -> Option<Action> {
        let mut doors = self.doors.lock().unwrap();
        let place = doors.iter().position(|door| (door.matches)(asked))?;
        if doors[place].pass > 0 {
            doors[place].pass -= 1;
            return None;
        }
        Some(match &doors[place].action {
            // A second process would ask the same, and is not to wait.
            Action::Hold(..) | Action::Lose(..) => doors.remove(place).action,
            answer @ Action::Answer(..) => answer.clone(),
        })
    }
}
