//! The nodes of a template. They build payloads: fixed parts are copied as a whole, then computed parts are put into
//! their places.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::evaluation_budget::{self, Budget};
use crate::json_text::{Fragment, Refused, TextWriter};
use crate::jsonpath::{PlainStep, Query};
use crate::scope::{Host, Scope};
use crate::template::path_or_call::{PathOrCall, too_large};

/// The most paths of a template that may move values; limited because each path is compared with all earlier ones.
const MOST_MOVES: usize = 64;

/// A part of a template, from which the same part of the payload is built.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TemplateNode {
    /// A fixed value without computed parts.
    Literal(Value),
    /// An object with at least one computed part; its fields are in the order of AWS's output.
    Object(TemplateParts<Map<String, Value>>),
    /// An array with at least one computed part.
    Array(TemplateParts<Vec<Value>>),
    /// A field whose value a path or a call computes.
    Computed {
        /// The key as written, with its `.$`, for errors.
        field: String,
        /// The path or call that yields the value.
        expression: PathOrCall,
        /// `true` if the path's value may be moved out of an input that is not needed afterwards.
        moves: bool,
    },
}

/// An object or an array: its fixed parts, and the nodes that compute its other parts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TemplateParts<F> {
    /// The fixed parts, with null in place of computed ones. Copying it is faster than inserting each key again.
    fixed: F,
    /// The estimated memory of `fixed`, in bytes.
    weight: u64,
    /// The computed parts, each with its index among all parts, in the order of the indices.
    computed: Vec<(usize, TemplateNode)>,
    /// The JSON text before, between and after the computed parts, written in advance.
    fragments: Vec<Fragment>,
    /// The depth of the deepest fixed part; this object or array itself does not count.
    depth: usize,
}

/// An evaluation of a template in progress.
pub(super) struct TemplateEvaluation<'a, 's> {
    /// The input, the context object and the variables that paths read.
    pub(super) scope: &'a Scope<'s>,
    /// The clock and the random numbers of calls.
    pub(super) host: &'a mut Host,
    /// The memory left, shared by all parts of the template.
    pub(super) budget: Budget,
    /// `true` to check only that each movable value exists, and to build null in its place until it is moved there.
    pub(super) moves: bool,
}

impl TemplateNode {
    /// Creates the node of an object from its fields, in the order in which they are built.
    pub(super) fn object(fields: Vec<(String, Self)>) -> Self {
        let (names, nodes): (Vec<String>, Vec<Self>) = fields.into_iter().unzip();
        let fragments = fragments(["{", "}"], &nodes, |index, writer| {
            writer.text(&names[index])?;
            writer.plain(":")
        });
        let depth = depth_of_fixed(&nodes);
        let (fixed, weight, computed) = split(nodes);
        // Copies keep the capacity for one more field, which a `ResultPath` may insert.
        let mut object = Map::with_capacity(names.len() + 1);
        object.extend(names.into_iter().zip(fixed));
        let fixed = object;
        if computed.is_empty() {
            return Self::Literal(Value::Object(fixed));
        }
        Self::Object(TemplateParts {
            fixed,
            weight,
            computed,
            fragments,
            depth,
        })
    }

    /// Creates the node of an array from its items.
    pub(super) fn array(items: Vec<Self>) -> Self {
        let fragments = fragments(["[", "]"], &items, |_, _| Ok(()));
        let depth = depth_of_fixed(&items);
        let (fixed, weight, computed) = split(items);
        if computed.is_empty() {
            return Self::Literal(Value::Array(fixed));
        }
        Self::Array(TemplateParts {
            fixed,
            weight,
            computed,
            fragments,
            depth,
        })
    }

    /// Marks the paths that may move their value out of the input. Marked paths never overlap; `planned` collects the
    /// marked paths.
    pub(super) fn plan_moves<'n>(&'n mut self, planned: &mut Vec<&'n Query>) {
        match self {
            Self::Object(parts) => parts.plan_moves(planned),
            Self::Array(parts) => parts.plan_moves(planned),
            Self::Computed {
                expression: PathOrCall::Path(query),
                moves,
                ..
            } => {
                *moves = planned.len() < MOST_MOVES
                    && query.can_move()
                    && !planned.iter().any(|other| query.may_overlap(other));
                if *moves {
                    planned.push(query);
                }
            }
            Self::Literal(_) | Self::Computed { .. } => {}
        }
    }

    /// Builds the value of the node, with a copy of its fixed parts.
    pub(super) fn build(&self, building: &mut TemplateEvaluation<'_, '_>) -> Result<Value, Error> {
        match self {
            Self::Literal(value) => {
                building.budget.pay_for(value).map_err(too_large)?;
                Ok(value.clone())
            }
            Self::Object(parts) => {
                building.budget.pay(parts.weight).map_err(too_large)?;
                let mut object = parts.fixed.clone();
                parts.fill(object.values_mut(), |part, place| {
                    *place = part.build(building)?;
                    Ok(())
                })?;
                Ok(Value::Object(object))
            }
            Self::Array(parts) => {
                building.budget.pay(parts.weight).map_err(too_large)?;
                let mut array = parts.fixed.clone();
                parts.fill(array.iter_mut(), |part, place| {
                    *place = part.build(building)?;
                    Ok(())
                })?;
                Ok(Value::Array(array))
            }
            Self::Computed {
                expression: PathOrCall::Path(query),
                moves: true,
                ..
            } if building.moves && query.finds_what_it_can_move(building.scope) => Ok(Value::Null),
            Self::Computed {
                field, expression, ..
            } => expression.evaluate_within(
                field,
                building.scope,
                building.host,
                &mut building.budget,
            ),
        }
    }

    /// Returns `true` if the node can rebuild its own value in place, because no path moves a fixed part out of it.
    /// Call [`plan_moves`](Self::plan_moves) first.
    pub(super) fn builds_in_place(&self) -> bool {
        let mut moving = Vec::new();
        self.list_moving(&mut moving);
        moving.iter().all(|query| self.leads_to_computed(query))
    }

    /// Lists the paths whose values are moved out of the input.
    fn list_moving<'n>(&'n self, moving: &mut Vec<&'n Query>) {
        match self {
            Self::Object(parts) => parts.each_computed(|part| part.list_moving(moving)),
            Self::Array(parts) => parts.each_computed(|part| part.list_moving(moving)),
            Self::Computed {
                expression: PathOrCall::Path(query),
                moves: true,
                ..
            } => moving.push(query),
            Self::Literal(_) | Self::Computed { .. } => {}
        }
    }

    /// Returns `true` if a path that can move leads to or into a computed part of this node.
    fn leads_to_computed(&self, query: &Query) -> bool {
        let mut node = Some(self);
        for step in query.plain_steps() {
            node = match (node, step) {
                (Some(Self::Object(parts)), PlainStep::Field(name)) => {
                    parts.part_at(parts.fixed.keys().position(|key| key == name))
                }
                (Some(Self::Array(parts)), PlainStep::Index(index)) => {
                    parts.part_at(usize::try_from(index).ok())
                }
                (Some(Self::Computed { .. }), _) => return true,
                _ => return false,
            };
        }
        matches!(node, Some(Self::Computed { .. }))
    }

    /// Evaluates the computed parts and appends their values to `made`, in the order in which they are built.
    pub(super) fn compute(
        &self,
        building: &mut TemplateEvaluation<'_, '_>,
        made: &mut Vec<Value>,
    ) -> Result<(), Error> {
        match self {
            Self::Object(parts) => parts.compute(building, made),
            Self::Array(parts) => parts.compute(building, made),
            Self::Literal(value) => building.budget.pay_for(value).map_err(too_large),
            Self::Computed { .. } => {
                made.push(self.build(building)?);
                Ok(())
            }
        }
    }

    /// Moves values from the input into `made`, the values that [`compute`](Self::compute) appended.
    pub(super) fn move_among<'v>(
        &self,
        made: &mut impl Iterator<Item = &'v mut Value>,
        input: &mut Value,
    ) {
        match self {
            Self::Object(parts) => parts.each_computed(|part| part.move_among(made, input)),
            Self::Array(parts) => parts.each_computed(|part| part.move_among(made, input)),
            Self::Literal(_) => {}
            Self::Computed { .. } => {
                let place = made.next().expect("each part has been computed");
                self.move_into(place, input);
            }
        }
    }

    /// Drops the fields that were appended to the node's value after the node built it.
    pub(super) fn drop_appended(&self, built: &mut Value) {
        if let (Self::Object(parts), Value::Object(fields)) = (self, built)
            && fields.len() > parts.fixed.len()
        {
            let mut own = parts.fixed.len();
            fields.retain(|_, _| {
                let keeps = own > 0;
                own = own.saturating_sub(1);
                keeps
            });
        }
    }

    /// Overwrites the computed parts of the node's value with the values that [`compute`](Self::compute) appended.
    pub(super) fn put(&self, built: &mut Value, made: &mut impl Iterator<Item = Value>) {
        let put = match (self, built) {
            (Self::Object(parts), Value::Object(fields)) => {
                parts.fill(fields.values_mut(), |part, place| {
                    part.put(place, made);
                    Ok(())
                })
            }
            (Self::Array(parts), Value::Array(items)) => {
                parts.fill(items.iter_mut(), |part, place| {
                    part.put(place, made);
                    Ok(())
                })
            }
            (Self::Computed { .. }, place) => {
                *place = made.next().expect("each part has been computed");
                Ok(())
            }
            _ => Ok(()),
        };
        put.expect("putting what has been computed never fails");
    }

    /// Writes a value that this node built, with the text of its fixed parts as written in advance.
    pub(super) fn write(
        &self,
        built: &Value,
        writer: &mut TextWriter<'_>,
        depth_left: usize,
    ) -> Result<(), Refused> {
        match (self, built) {
            (Self::Object(parts), Value::Object(fields)) => {
                parts.write(fields.values(), writer, depth_left)
            }
            (Self::Array(parts), Value::Array(items)) => {
                parts.write(items.iter(), writer, depth_left)
            }
            (_, value) => writer.value(value, depth_left),
        }
    }

    /// Moves values from the input into the places in which [`build`](Self::build) left null for them.
    pub(super) fn move_into(&self, built: &mut Value, input: &mut Value) {
        let moved = match (self, built) {
            (Self::Object(parts), Value::Object(fields)) => {
                parts.fill(fields.values_mut(), |part, place| {
                    part.move_into(place, input);
                    Ok(())
                })
            }
            (Self::Array(parts), Value::Array(items)) => {
                parts.fill(items.iter_mut(), |part, place| {
                    part.move_into(place, input);
                    Ok(())
                })
            }
            (
                Self::Computed {
                    expression: PathOrCall::Path(query),
                    moves: true,
                    ..
                },
                place,
            ) => {
                if let Some(found) = query.find_mut(input) {
                    *place = found.take();
                }
                Ok(())
            }
            _ => Ok(()),
        };
        moved.expect("moving what has been found never fails");
    }
}

impl<F> TemplateParts<F> {
    /// Calls `each` with every computed part, in the order in which AWS builds the parts.
    fn each_computed<'n>(&'n self, mut each: impl FnMut(&'n TemplateNode)) {
        self.computed.iter().for_each(|(_, part)| each(part));
    }

    /// Returns the computed part at an index; `None` if the part there is fixed.
    fn part_at(&self, place: Option<usize>) -> Option<&TemplateNode> {
        let found = self.computed.iter().find(|(own, _)| Some(*own) == place);
        found.map(|(_, part)| part)
    }

    /// Computes the values of the computed parts and appends them to `made`. The budget is charged for the fixed parts
    /// as if they were copied.
    fn compute(
        &self,
        building: &mut TemplateEvaluation<'_, '_>,
        made: &mut Vec<Value>,
    ) -> Result<(), Error> {
        building.budget.pay(self.weight).map_err(too_large)?;
        let mut parts = self.computed.iter();
        parts.try_for_each(|(_, part)| part.compute(building, made))
    }

    /// Marks the paths in the computed parts that may move their value, in the order in which AWS builds the parts.
    fn plan_moves<'n>(&'n mut self, planned: &mut Vec<&'n Query>) {
        for (_, part) in &mut self.computed {
            part.plan_moves(planned);
        }
    }

    /// Writes the fragments and, between them, the values of the computed parts. `places` yields the values of all
    /// parts in order; those of fixed parts are skipped, because the fragments contain their text.
    fn write<'v>(
        &self,
        mut places: impl Iterator<Item = &'v Value>,
        writer: &mut TextWriter<'_>,
        depth_left: usize,
    ) -> Result<(), Refused> {
        let depth_left = depth_left.checked_sub(1).ok_or(Refused::TooDeep)?;
        if self.depth > depth_left {
            return Err(Refused::TooDeep);
        }
        let mut passed = 0;
        for (fragment, (place, part)) in self.fragments.iter().zip(&self.computed) {
            writer.fragment(fragment)?;
            let found = places.nth(place - passed);
            part.write(found.expect("each part has a place"), writer, depth_left)?;
            passed = place + 1;
        }
        let last = self.fragments.last().expect("one follows the last part");
        writer.fragment(last)
    }

    /// Calls `fill` with each computed part and the value to overwrite; `places` yields the values of all parts in
    /// order.
    fn fill<'v>(
        &self,
        mut places: impl Iterator<Item = &'v mut Value>,
        mut fill: impl FnMut(&TemplateNode, &mut Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut passed = 0;
        for (place, part) in &self.computed {
            let found = places.nth(place - passed);
            fill(part, found.expect("each part has a place"))?;
            passed = place + 1;
        }
        Ok(())
    }
}

/// Writes the JSON text before, between and after the computed parts; `name` writes the key of the part at an index.
fn fragments(
    [open, close]: [&str; 2],
    nodes: &[TemplateNode],
    name: impl Fn(usize, &mut TextWriter<'_>) -> Result<(), Refused>,
) -> Vec<Fragment> {
    let mut fragments = Vec::new();
    let mut fragment = Fragment::default();
    fragment.append(|writer| writer.plain(open));
    for (index, node) in nodes.iter().enumerate() {
        fragment.append(|writer| {
            writer.plain(if index > 0 { "," } else { "" })?;
            name(index, writer)
        });
        match node {
            TemplateNode::Literal(value) => {
                fragment.append(|writer| writer.value(value, usize::MAX));
            }
            _ => fragments.push(std::mem::take(&mut fragment)),
        }
    }
    fragment.append(|writer| writer.plain(close));
    fragments.push(fragment);
    fragments
}

/// Returns the depth of the deepest fixed part; computed parts count as 0.
fn depth_of_fixed(nodes: &[TemplateNode]) -> usize {
    let depths = nodes.iter().map(|node| match node {
        TemplateNode::Literal(value) => evaluation_budget::depth(value),
        _ => 0,
    });
    depths.max().unwrap_or_default()
}

/// Splits nodes into fixed values, with null in place of computed parts, their weight, and the computed parts with
/// their indices.
fn split(nodes: Vec<TemplateNode>) -> (Vec<Value>, u64, Vec<(usize, TemplateNode)>) {
    let mut weight = 0;
    let mut computed = Vec::new();
    let fixed = nodes
        .into_iter()
        .enumerate()
        .map(|(place, node)| match node {
            TemplateNode::Literal(value) => {
                weight += evaluation_budget::weight(&value);
                value
            }
            node => {
                computed.push((place, node));
                Value::Null
            }
        })
        .collect();
    (fixed, weight, computed)
}
