//! A task handler that sends each call to the handler of its resource.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::definition::Resource;
use crate::engine::port::task_handler::{TaskCall, TaskFailure, TaskHandler, TaskOutput};

/// A handler that sends each call to the first route that accepts its resource, and all others to a fallback.
///
/// Each stand-in for a service is one route. So one machine can read objects from folders, start jobs in a stand-in,
/// and get mocked answers for the rest. Clones share their handlers.
///
/// ```
/// use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskFailure, TaskRouter};
/// use serde_json::{Value, json};
///
/// async fn glue(call: TaskCall) -> Result<Value, TaskFailure> {
///     Ok(json!({"JobRunId": "jr_1", "JobName": call.input["JobName"]}))
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let router = TaskRouter::new(|call: TaskCall| async move {
///     Err::<Value, _>(TaskFailure::new("NoStandIn", call.resource.arn()))
/// })
/// .service("glue", glue)
/// .route(
///     |resource| resource.arn().ends_with(":function:double"),
///     |call: TaskCall| async move { Ok::<_, TaskFailure>(json!(2 * call.input.as_i64().unwrap_or_default())) },
/// );
/// let machine = Machine::parse(r#"{"StartAt": "Run", "States": {"Run": {
///     "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": true,
///     "Parameters": {"JobName": "daily"}, "OutputPath": "$.JobName"
/// }}}"#)?;
/// let outcome = Engine::new(router).run(&machine, json!({})).await?;
/// assert_eq!(outcome.output, Some(json!("daily")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TaskRouter {
    /// The routes, in the order in which they are tried.
    routes: Vec<Route>,
    /// The handler of the calls that no route accepts.
    fallback: Arc<dyn TaskHandler>,
}

/// A handler and the condition under which calls are sent to it.
#[derive(Clone)]
struct Route {
    /// The function that returns `true` for the resources that the route accepts.
    takes: Arc<dyn Fn(&Resource) -> bool + Send + Sync>,
    /// The handler of those resources.
    handler: Arc<dyn TaskHandler>,
}

impl TaskRouter {
    /// Creates a router without routes, in which the fallback answers every call.
    #[must_use]
    pub fn new(fallback: impl TaskHandler + 'static) -> Self {
        Self {
            routes: Vec::new(),
            fallback: Arc::new(fallback),
        }
    }

    /// Adds a route for the resources for which `takes` returns `true`; earlier routes are tried first.
    #[must_use]
    pub fn route(
        mut self,
        takes: impl Fn(&Resource) -> bool + Send + Sync + 'static,
        handler: impl TaskHandler + 'static,
    ) -> Self {
        self.routes.push(Route {
            takes: Arc::new(takes),
            handler: Arc::new(handler),
        });
        self
    }

    /// Adds a route for all calls of one service integration, such as `s3` or `aws-sdk:glue`.
    #[must_use]
    pub fn service(self, service: &str, handler: impl TaskHandler + 'static) -> Self {
        let service = service.to_owned();
        self.route(
            move |resource| resource.service() == Some(&service),
            handler,
        )
    }

    /// Adds a route for one action of a service integration, with or without a suffix: `startJobRun` accepts
    /// `startJobRun.sync` too.
    #[must_use]
    pub fn action(self, service: &str, action: &str, handler: impl TaskHandler + 'static) -> Self {
        let (service, action) = (service.to_owned(), action.to_owned());
        let takes = move |resource: &Resource| {
            resource.service() == Some(&service) && resource.action() == Some(&action)
        };
        self.route(takes, handler)
    }
}

impl TaskHandler for TaskRouter {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
        let takes = |route: &&Route| (route.takes)(&call.resource);
        match self.routes.iter().find(takes) {
            Some(route) => route.handler.call(call),
            None => self.fallback.call(call),
        }
    }
}

impl fmt::Debug for TaskRouter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskRouter")
            .field("routes", &self.routes.len())
            .finish_non_exhaustive()
    }
}
