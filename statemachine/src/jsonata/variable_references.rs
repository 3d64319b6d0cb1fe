//! The variables and functions that a parsed expression refers to.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use jsonata_core::ast::{AstNode, PathStep, Stage};
use jsonata_core::evaluator::Context;
use jsonata_core::value::{JValue, with_stack};
use serde_json::Value;

use crate::jsonata::bounding_rewrite;
use crate::jsonata::json_conversion::from_json;
use crate::jsonata::jsonata_scope::JsonataScope;

/// The variables that an expression reads; only these are converted for the evaluator.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    /// The part of each variable that is read, by the variable's name without `$`.
    variables: BTreeMap<String, ReadPart>,
}

/// The part of a value that an expression reads.
#[derive(Debug, Clone)]
enum ReadPart {
    /// The whole value.
    Whole,
    /// The named fields only, each with the part of its value that is read.
    Fields(BTreeMap<String, ReadPart>),
}

impl ReadPart {
    /// Extends this part by the value at `way`, a path of field names, and by everything inside that value.
    fn add(&mut self, way: &[&str]) {
        match (self, way) {
            (Self::Whole, _) => {}
            (need, []) => *need = Self::Whole,
            (Self::Fields(fields), [first, rest @ ..]) => {
                fields
                    .entry((*first).to_owned())
                    .or_insert_with(|| Self::Fields(BTreeMap::new()))
                    .add(rest);
            }
        }
    }

    /// Converts this part of a value for the evaluator. For an array, converts this part of each item.
    fn cut(&self, value: &Value) -> JValue {
        let Self::Fields(fields) = self else {
            return from_json(value);
        };
        match value {
            Value::Object(object) => JValue::object(
                object
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), fields.get(name)?.cut(value))))
                    .collect::<IndexMap<_, _>>(),
            ),
            Value::Array(items) => JValue::array(items.iter().map(|item| self.cut(item)).collect()),
            other => from_json(other),
        }
    }
}

impl References {
    /// Returns the variables that a tree reads.
    pub(super) fn of(tree: &AstNode) -> Self {
        let mut references = Self::default();
        references.visit(tree);
        references
    }

    /// Binds the variables that the expression reads, and the instant of the evaluation.
    pub(super) fn bind(&self, scope: &JsonataScope<'_>, now: DateTime<Utc>, context: &mut Context) {
        for (name, need) in &self.variables {
            let value = match name.as_str() {
                "states" => Some(scope.states),
                name => scope.variables.get(name),
            };
            if let Some(value) = value {
                context.bind(bounding_rewrite::renamed(name.clone()), need.cut(value));
            }
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "JSONata's milliseconds are doubles; dates stay below 2^53"
        )]
        context.bind(
            bounding_rewrite::NOW.to_owned(),
            JValue::Number(now.timestamp_millis() as f64),
        );
    }

    /// Records that the expression reads the value at `way`, a path of field names in the variable `name`.
    fn add(&mut self, name: &str, way: &[&str]) {
        self.variables
            .entry(name.to_owned())
            .or_insert_with(|| ReadPart::Fields(BTreeMap::new()))
            .add(way);
    }

    /// Records every variable that a node and its parts read.
    fn visit(&mut self, node: &AstNode) {
        match node {
            AstNode::Variable(name) => self.add(name, &[]),
            // A call may name a variable that is not a function; it must then fail rather than find a built-in
            // function.
            AstNode::Function { name, args, .. } => {
                self.add(name, &[]);
                for argument in args {
                    with_stack(|| self.visit(argument));
                }
            }
            AstNode::Path { steps } => {
                let plain = |step: &PathStep| {
                    step.focus.is_none()
                        && step.index_var.is_none()
                        && step.ancestor_label.is_none()
                        && !step.is_tuple
                };
                let rest = match steps.split_first() {
                    Some((
                        PathStep {
                            node: AstNode::Variable(name),
                            stages,
                            ..
                        },
                        rest,
                    )) if stages.is_empty() && steps.iter().all(plain) => {
                        self.add(name, &way(rest));
                        rest
                    }
                    _ => steps.as_slice(),
                };
                for step in rest {
                    with_stack(|| self.visit(&step.node));
                    for stage in &step.stages {
                        if let Stage::Filter(condition) = stage {
                            with_stack(|| self.visit(condition));
                        }
                    }
                }
            }
            other => each_child(other, &mut |child| with_stack(|| self.visit(child))),
        }
    }
}

/// Returns every name that a tree calls or reads as a variable. The tree cannot call a function by any other name.
pub(super) fn names(tree: &AstNode) -> BTreeSet<String> {
    fn visit(node: &AstNode, names: &mut BTreeSet<String>) {
        if let AstNode::Variable(name) | AstNode::Function { name, .. } = node {
            names.insert(name.clone());
        }
        each_child(node, &mut |child| with_stack(|| visit(child, names)));
    }
    let mut names = BTreeSet::new();
    visit(tree, &mut names);
    names
}

/// Returns the names of the leading steps of a path, up to the first step that is not a plain field.
fn way(steps: &[PathStep]) -> Vec<&str> {
    let mut way = Vec::new();
    for step in steps {
        let AstNode::Name(name) = &step.node else {
            break;
        };
        way.push(name.as_str());
        if !step.stages.is_empty() {
            break;
        }
    }
    way
}

/// Returns an error message if an expression reads the input document, as `$` or a bare field name does: in a state,
/// expressions have no such document.
pub(super) fn reads_input(node: &AstNode) -> Option<String> {
    match node {
        AstNode::Variable(name) if name.is_empty() => Some(
            "`$` has no value at the top level of an expression: read `$states.input` instead"
                .to_owned(),
        ),
        AstNode::ParentVariable(_) => Some("Reference to '$$' is not supported.".to_owned()),
        AstNode::Name(name) => Some(format!(
            "Reference to '{name}' at the top level is not supported."
        )),
        AstNode::Wildcard | AstNode::Descendant | AstNode::Parent(_) => {
            Some("`*`, `**` and `%` must follow a value, such as `$states.input`".to_owned())
        }
        // Later steps and groups read from the value of the first step.
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

/// Calls `visit` with each node directly below a node.
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

/// Visits the keys and values of pairs, each key before its value.
fn each_of_pairs(pairs: &[(AstNode, AstNode)], visit: &mut dyn FnMut(&AstNode)) {
    for (key, value) in pairs {
        visit(key);
        visit(value);
    }
}
