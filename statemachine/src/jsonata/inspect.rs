//! What a parsed expression refers to.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use jsonata_core::ast::{AstNode, PathStep, Stage};
use jsonata_core::evaluator::Context;
use jsonata_core::value::{JValue, with_stack};

use super::convert::from_json;
use super::{JsonataScope, rewrite};

/// The variables that an expression reads, so that no other need be given to the evaluator.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    /// For each variable, the fields that are read from it; `None` if the whole is.
    variables: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl References {
    pub(super) fn of(tree: &AstNode) -> Self {
        let mut references = Self::default();
        references.visit(tree);
        references
    }

    /// Binds what the expression reads.
    pub(super) fn bind(&self, scope: &JsonataScope<'_>, now: DateTime<Utc>, context: &mut Context) {
        for (name, fields) in &self.variables {
            let value = match name.as_str() {
                "states" => scope.states,
                name => match scope.variables.get(name) {
                    Some(value) => value,
                    None => continue,
                },
            };
            let value = match (fields, value.as_object()) {
                (Some(fields), Some(object)) => JValue::object(
                    object
                        .iter()
                        .filter(|(name, _)| fields.contains(*name))
                        .map(|(name, value)| (name.clone(), from_json(value)))
                        .collect::<IndexMap<_, _>>(),
                ),
                _ => from_json(value),
            };
            if name == "distinct" {
                context.bind(rewrite::DISTINCT.to_owned(), value);
                continue;
            }
            context.bind(name.clone(), value);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "JSONata's milliseconds are doubles; dates stay below 2^53"
        )]
        context.bind(
            rewrite::NOW.to_owned(),
            JValue::Number(now.timestamp_millis() as f64),
        );
    }

    fn whole(&mut self, name: &str) {
        self.variables.insert(name.to_owned(), None);
    }

    fn field(&mut self, name: &str, field: &str) {
        if let Some(fields) = self
            .variables
            .entry(name.to_owned())
            .or_insert_with(|| Some(BTreeSet::new()))
        {
            fields.insert(field.to_owned());
        }
    }

    fn visit(&mut self, node: &AstNode) {
        match node {
            AstNode::Variable(name) => self.whole(name),
            // A call may name a variable that holds no function: then it must fail rather than find a function.
            AstNode::Function { name, args, .. } => {
                self.whole(name);
                for argument in args {
                    with_stack(|| self.visit(argument));
                }
            }
            AstNode::Path { steps } => self.visit_path(steps),
            other => each_child(other, &mut |child| with_stack(|| self.visit(child))),
        }
    }

    fn visit_path(&mut self, steps: &[PathStep]) {
        let rest = match steps {
            [first, second, ..] => match (&first.node, &second.node) {
                (AstNode::Variable(name), AstNode::Name(field))
                    if first.stages.is_empty()
                        && first.focus.is_none()
                        && first.index_var.is_none() =>
                {
                    self.field(name, field);
                    &steps[1..]
                }
                _ => steps,
            },
            _ => steps,
        };
        for step in rest {
            with_stack(|| self.visit(&step.node));
            for stage in &step.stages {
                if let Stage::Filter(condition) = stage {
                    with_stack(|| self.visit(condition));
                }
            }
        }
        if let (Some(first), true) = (steps.first(), rest.len() < steps.len()) {
            for stage in &first.stages {
                if let Stage::Filter(condition) = stage {
                    with_stack(|| self.visit(condition));
                }
            }
        }
    }
}

/// Says why an expression reads the input document, which there is none of in a state; `None` if it does not.
pub(super) fn reads_input(node: &AstNode) -> Option<String> {
    match node {
        AstNode::Variable(name) if name.is_empty() => {
            Some("`$` has no meaning at the top of an expression".to_owned())
        }
        AstNode::ParentVariable(_) => {
            Some("`$$` has no meaning in a state's expression".to_owned())
        }
        AstNode::Name(name) => Some(format!(
            "the field `{name}` needs something to be read from, such as `$states.input`"
        )),
        AstNode::Wildcard | AstNode::Descendant | AstNode::Parent(_) => Some(
            "`*`, `**` and `%` need something to be read from, such as `$states.input`".to_owned(),
        ),
        // What follows the first step, and what a group holds, is read from what stands before it.
        AstNode::Path { steps } => steps
            .first()
            .and_then(|step| with_stack(|| reads_input(&step.node))),
        AstNode::ObjectTransform { input, .. } | AstNode::Sort { input, .. } => {
            with_stack(|| reads_input(input))
        }
        AstNode::Lambda { .. } | AstNode::Transform { .. } => None,
        other => {
            let mut found = None;
            each_child(other, &mut |child| {
                if found.is_none() {
                    found = with_stack(|| reads_input(child));
                }
            });
            found
        }
    }
}

/// Visits the nodes directly below a node.
fn each_child(node: &AstNode, visit: &mut dyn FnMut(&AstNode)) {
    match node {
        AstNode::Path { steps } => {
            for step in steps {
                visit(&step.node);
                for stage in &step.stages {
                    if let Stage::Filter(condition) = stage {
                        visit(condition);
                    }
                }
            }
        }
        AstNode::Binary { lhs, rhs, .. } => {
            visit(lhs);
            visit(rhs);
        }
        AstNode::Unary { operand, .. } => visit(operand),
        AstNode::Function { args, .. } => args.iter().for_each(visit),
        AstNode::Call { procedure, args } => {
            visit(procedure);
            args.iter().for_each(visit);
        }
        AstNode::Lambda { body, .. } => visit(body),
        AstNode::Array(items) | AstNode::ArrayGroup(items) | AstNode::Block(items) => {
            items.iter().for_each(visit);
        }
        AstNode::Object(pairs) => each_of_pairs(pairs, visit),
        AstNode::ObjectTransform { input, pattern } => {
            visit(input);
            each_of_pairs(pattern, visit);
        }
        AstNode::Conditional {
            condition,
            then_branch,
            else_branch,
        } => {
            visit(condition);
            visit(then_branch);
            if let Some(branch) = else_branch {
                visit(branch);
            }
        }
        AstNode::FunctionApplication(inner) => visit(inner),
        AstNode::Sort { input, terms } => {
            visit(input);
            for (term, _) in terms {
                visit(term);
            }
        }
        AstNode::Transform {
            location,
            update,
            delete,
        } => {
            visit(location);
            visit(update);
            if let Some(delete) = delete {
                visit(delete);
            }
        }
        AstNode::String(_)
        | AstNode::Name(_)
        | AstNode::Number(_)
        | AstNode::Boolean(_)
        | AstNode::Null
        | AstNode::Undefined
        | AstNode::Placeholder
        | AstNode::Regex { .. }
        | AstNode::Variable(_)
        | AstNode::ParentVariable(_)
        | AstNode::Wildcard
        | AstNode::Descendant
        | AstNode::Parent(_) => {}
    }
}

fn each_of_pairs(pairs: &[(AstNode, AstNode)], visit: &mut dyn FnMut(&AstNode)) {
    for (key, value) in pairs {
        visit(key);
        visit(value);
    }
}
