//! Plans of runs: what a run reads, writes and replaces. Plans decide which runs conflict.

use crate::state::{Inputs, Partitions};

/// The work of a run. Two plans with the same `run` describe the same run: the same job, parameters and inputs.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The run's id.
    pub run: u8,
    /// The part of the table that it replaces.
    pub replaces: Replaces,
    /// The parts that it writes, each given by its partition.
    pub parts: &'static [u8],
    /// The input objects that it lists.
    pub inputs: Inputs,
}

/// The part of a table that a run replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// All of it.
    Table,
    /// These partitions, even if the run writes no part to them.
    Window(Partitions),
    /// No part of it: the run only adds parts.
    Append,
}

impl Plan {
    /// Returns the plan of a run that replaces the whole table.
    pub const fn table(run: u8, parts: &'static [u8]) -> Self {
        Self::new(run, Replaces::Table, parts, 0)
    }

    /// Returns the plan of a run that replaces some partitions.
    pub const fn window(run: u8, partitions: Partitions, parts: &'static [u8]) -> Self {
        Self::new(run, Replaces::Window(partitions), parts, 0)
    }

    /// Returns the plan of a run that appends the inputs that no earlier run has consumed.
    pub const fn append(run: u8, parts: &'static [u8], inputs: Inputs) -> Self {
        Self::new(run, Replaces::Append, parts, inputs)
    }

    /// Returns the plan of a run that replaces the whole table and consumes these inputs. Earlier consumption is
    /// forgotten, so later appends start over.
    pub const fn rebuild(run: u8, parts: &'static [u8], inputs: Inputs) -> Self {
        Self::new(run, Replaces::Table, parts, inputs)
    }

    const fn new(run: u8, replaces: Replaces, parts: &'static [u8], inputs: Inputs) -> Self {
        Self {
            run,
            replaces,
            parts,
            inputs,
        }
    }

    /// Returns the partitions that the run replaces, as a set.
    pub fn replaced(&self) -> Partitions {
        match self.replaces {
            Replaces::Table => !0,
            Replaces::Window(partitions) => partitions,
            Replaces::Append => 0,
        }
    }

    /// Returns `true` if the run only adds parts.
    pub fn appends(&self) -> bool {
        self.replaces == Replaces::Append
    }

    /// Returns `true` if the run replaces the whole table and consumes its inputs, so that what was consumed before is
    /// forgotten.
    pub fn starts_over(&self) -> bool {
        self.replaces == Replaces::Table && self.inputs != 0
    }
}
