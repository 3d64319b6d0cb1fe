//! Deliberate deviations from the protocol, which show that the invariants can fail: each mutant must be caught.

use crate::invariants::Invariant;

/// A deviation from the protocol: a step that is left out, moved or done wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// 1.4 before 1.2: inputs are listed before the log is read.
    InputsBeforeLog,
    /// 1.1 after 1.2: table roots are listed after the log is read.
    ListTablesAfterLog,
    /// Without 1.3: the last record stays unmarked.
    LastPublishUnfinished,
    /// Without 1.3, for a reader: it does not finish the publish of the last record.
    ReaderFinishesNothing,
    /// In 2.2, voided records count as done runs.
    VoidedRunsCount,
    /// In 2.2, records whose run has been replaced since count as done runs.
    ReplacedRunsCount,
    /// In 2.3, an append takes inputs that are already consumed.
    ConsumedInputsTakenAgain,
    /// 1.2 again right before 6.1: the run puts its record after records that it has not considered.
    LogReadAgain,
    /// In 6.1, the put overwrites an existing record.
    PutOverwrites,
    /// Without 6.2: a put without an answer counts as refused.
    TimeoutIsRefusal,
    /// In 6.3, conflicts with the found records are ignored.
    ConflictsIgnored,
    /// In 6.3, only the first of the found records is read.
    OnlyFirstRecordSeen,
    /// Without 6.4: the run puts its record after one that is not marked.
    FoundPublishUnfinished,
    /// Success is reported after 6.1, before the publish.
    SuccessBeforePublish,
    /// Without 7.2: the answers to completions are trusted.
    AnswersBelieved,
    /// Without 7.3 and 7.4: a part that is missing at the first look counts as lost.
    LostAtFirstLook,
    /// Without 7.3: completions can still take effect after the second look.
    NoAbortBeforeSecondLook,
    /// Without 7.4: a part that was completed before the abort counts as lost.
    NoSecondLook,
    /// Without 7.5: the mark is not read before the void record is put.
    MarkNotLookedAt,
    /// Without 7.7: a process that finds a run to be lost exits without putting a void record.
    LossNotVoided,
    /// In 7.9, a void record deletes nothing.
    VoidDeletesNothing,
    /// 7.9 before 7.1: old parts are deleted before new ones are completed.
    DeleteBeforeComplete,
    /// 7.10 before 7.9: the mark is put before old parts are deleted.
    MarkBeforeDelete,
    /// 7.10 before 7.1: the mark is put before new parts are completed.
    MarkBeforeComplete,
    /// 9.1 in place of 9.2: a stop after the put aborts the uploads without reading the record.
    StopWithoutLook,
    /// A store that breaks the protocol's assumption: an upload can no longer be aborted, and its object appears later.
    StoreForgetsUploads,
}

impl Mutant {
    /// All mutants, each with the invariant that must catch it; `None` for a harmless deviation.
    pub const ALL: [(Self, Option<Invariant>); 26] = [
        (Self::InputsBeforeLog, Some(Invariant::OlderReplacesNewer)),
        (
            Self::ListTablesAfterLog,
            Some(Invariant::OwnPartTakenForForeign),
        ),
        (
            Self::LastPublishUnfinished,
            Some(Invariant::PredecessorUnmarked),
        ),
        (
            Self::ReaderFinishesNothing,
            Some(Invariant::ReaderMissesPart),
        ),
        (
            Self::VoidedRunsCount,
            Some(Invariant::SuccessWithoutPublish),
        ),
        (
            Self::ReplacedRunsCount,
            Some(Invariant::SuccessAlthoughReplaced),
        ),
        (Self::ConsumedInputsTakenAgain, Some(Invariant::InputTwice)),
        (Self::LogReadAgain, Some(Invariant::OlderReplacesNewer)),
        (Self::PutOverwrites, Some(Invariant::OldDeletedTooEarly)),
        (Self::TimeoutIsRefusal, Some(Invariant::DeniedYetCommitted)),
        (Self::ConflictsIgnored, Some(Invariant::OlderReplacesNewer)),
        (Self::OnlyFirstRecordSeen, Some(Invariant::LogDisagrees)),
        (
            Self::FoundPublishUnfinished,
            Some(Invariant::PredecessorUnmarked),
        ),
        (
            Self::SuccessBeforePublish,
            Some(Invariant::SuccessWithoutPublish),
        ),
        (Self::AnswersBelieved, Some(Invariant::LivePartMissing)),
        (Self::LostAtFirstLook, Some(Invariant::MarkedAndVoid)),
        (
            Self::NoAbortBeforeSecondLook,
            Some(Invariant::MarkedAndVoid),
        ),
        (Self::NoSecondLook, Some(Invariant::MarkedAndVoid)),
        (Self::MarkNotLookedAt, None),
        (Self::LossNotVoided, Some(Invariant::NotSettled)),
        (Self::VoidDeletesNothing, Some(Invariant::DeadPartVisible)),
        (
            Self::DeleteBeforeComplete,
            Some(Invariant::OldDeletedTooEarly),
        ),
        (Self::MarkBeforeDelete, Some(Invariant::DeadPartVisible)),
        (Self::MarkBeforeComplete, Some(Invariant::LivePartMissing)),
        (Self::StopWithoutLook, Some(Invariant::DeniedYetCommitted)),
        (Self::StoreForgetsUploads, Some(Invariant::DeadPartVisible)),
    ];
}
