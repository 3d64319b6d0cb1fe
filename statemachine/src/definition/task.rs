//! The Task state and the resource that it calls.

use crate::definition::field_values::{Payload, Setting};

/// The fields of a Task state.
#[derive(Debug)]
pub(crate) struct Task {
    /// The resource that the state calls, from `Resource`.
    pub(crate) resource: Resource,
    /// `TimeoutSeconds`: the time limit of one attempt.
    pub(crate) timeout: Option<Setting>,
    /// `HeartbeatSeconds`: the longest time between two heartbeats; smaller than the timeout if both are literals.
    pub(crate) heartbeat: Option<Setting>,
    /// `Credentials`: the role that the call assumes.
    pub(crate) credentials: Option<Payload>,
}

/// The resource that a Task calls. Its ARN also determines what the state waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The ARN as written in the definition.
    arn: String,
    /// The kind of resource, derived from the ARN's form.
    kind: ResourceKind,
}

/// The kind of a resource. Each kind has its own types of history events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceKind {
    /// A Lambda function that is called by its own ARN.
    Lambda,
    /// An activity, whose workers poll for tasks.
    Activity,
    /// A service integration, such as `arn:aws:states:::lambda:invoke`.
    Integration {
        /// The service, such as `lambda` or `aws-sdk:s3`.
        service: String,
        /// The action with its suffix, such as `invoke` or `startExecution.sync:2`.
        call: String,
    },
}

impl Resource {
    /// Parses a resource ARN; one that is neither an integration nor a function is an activity.
    #[must_use]
    pub fn parse(arn: &str) -> Self {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let kind = match parts.as_slice() {
            ["arn", _, "states", "", "", integration] => {
                let (service, call) = split_integration(integration);
                ResourceKind::Integration {
                    service: service.to_owned(),
                    call: call.to_owned(),
                }
            }
            ["arn", _, "lambda", ..] => ResourceKind::Lambda,
            _ => ResourceKind::Activity,
        };
        Self {
            arn: arn.to_owned(),
            kind,
        }
    }

    /// Returns the ARN as written in the definition.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Returns the kind of resource that the ARN's form implies.
    #[must_use]
    pub fn kind(&self) -> &ResourceKind {
        &self.kind
    }

    /// Returns the service of an integration, such as `aws-sdk:s3`; `None` for a function's own ARN or an activity.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match &self.kind {
            ResourceKind::Integration { service, .. } => Some(service),
            ResourceKind::Lambda | ResourceKind::Activity => None,
        }
    }

    /// Returns the action of an integration without its suffix, such as `startJobRun` for `startJobRun.sync`; `None`
    /// for a function's own ARN or an activity.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        match &self.kind {
            ResourceKind::Integration { call, .. } => call.split('.').next(),
            ResourceKind::Lambda | ResourceKind::Activity => None,
        }
    }

    /// Returns `true` if the state continues only once its task token is answered.
    #[must_use]
    pub fn waits_for_token(&self) -> bool {
        match &self.kind {
            ResourceKind::Integration { call, .. } => call.ends_with(".waitForTaskToken"),
            ResourceKind::Activity => true,
            ResourceKind::Lambda => false,
        }
    }

    /// Returns `true` if the state starts a job of the service and waits for its end (`.sync`).
    #[must_use]
    pub fn waits_for_job(&self) -> bool {
        match &self.kind {
            ResourceKind::Integration { call, .. } => call
                .split('.')
                .nth(1)
                .is_some_and(|suffix| suffix.starts_with("sync")),
            _ => false,
        }
    }

    /// Returns the suffix that makes an integration wait, as AWS's messages name it: `.sync` or `.waitForTaskToken`.
    pub(crate) fn pattern(&self) -> Option<&'static str> {
        match self.kind {
            ResourceKind::Integration { .. } if self.waits_for_token() => Some(".waitForTaskToken"),
            ResourceKind::Integration { .. } if self.waits_for_job() => Some(".sync"),
            _ => None,
        }
    }
}

/// Splits `aws-sdk:s3:getObject` into its service and its call.
fn split_integration(integration: &str) -> (&str, &str) {
    let after = if let Some(rest) = integration.strip_prefix("aws-sdk:") {
        integration.len() - rest.len() + rest.find(':').unwrap_or(rest.len())
    } else {
        integration.find(':').unwrap_or(integration.len())
    };
    (
        &integration[..after],
        integration.get(after + 1..).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integration(arn: &str) -> (String, String) {
        match Resource::parse(arn).kind {
            ResourceKind::Integration { service, call } => (service, call),
            other => panic!("{arn} is {other:?}"),
        }
    }

    #[test]
    fn an_integration_has_a_service_and_a_call() {
        assert_eq!(
            integration("arn:aws:states:::lambda:invoke"),
            ("lambda".into(), "invoke".into())
        );
        assert_eq!(
            integration("arn:aws:states:::aws-sdk:s3:getObject"),
            ("aws-sdk:s3".into(), "getObject".into())
        );
        assert_eq!(
            integration("arn:aws:states:::states:startExecution.sync:2"),
            ("states".into(), "startExecution.sync:2".into())
        );
    }

    #[test]
    fn the_suffix_says_what_the_state_waits_for() {
        assert!(Resource::parse("arn:aws:states:::states:startExecution.sync:2").waits_for_job());
        assert!(
            Resource::parse("arn:aws:states:::sqs:sendMessage.waitForTaskToken").waits_for_token()
        );
        assert!(!Resource::parse("arn:aws:states:::sqs:sendMessage").waits_for_token());
        assert!(
            Resource::parse("arn:aws:states:eu-west-1:111111111111:activity:a").waits_for_token()
        );
        assert_eq!(
            *Resource::parse("arn:aws:lambda:eu-west-1:1:function:f").kind(),
            ResourceKind::Lambda
        );
    }
}
