//! Deliberate deviations from the protocol. A check that cannot fail checks nothing: each of these must be caught.

use crate::invariants::Invariant;

/// A deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// 1.4 before 1.2: inputs are listed before the log is read.
    InputsBeforeLog,
    /// 1.1 after 1.2: the table roots are listed after the log was read.
    ListTablesAfterLog,
    /// Without 1.3: the last record stays unmarked.
    LastPublishUnfinished,
    /// Without 1.3, for a reader.
    ReaderFinishesNothing,
    /// In 2.2, records that are void count.
    VoidedRunsCount,
    /// In 2.2, records whose run was replaced since count.
    ReplacedRunsCount,
    /// In 2.3, an append takes again what is consumed.
    ConsumedInputsTakenAgain,
    /// 1.2 again right before 6.1: the run aims behind what it has not seen.
    LogReadAgain,
    /// In 6.1, the put writes over what is there.
    PutOverwrites,
    /// Without 6.2: a put that is not answered is taken for refused.
    TimeoutIsRefusal,
    /// In 6.3, what others have changed is ignored.
    ConflictsIgnored,
    /// In 6.3, only the record at its own number is read.
    OnlyFirstRecordSeen,
    /// Without 6.4: the run puts behind a record that is not marked.
    FoundPublishUnfinished,
    /// Success is reported after 6.1.
    SuccessBeforePublish,
    /// Without 7.2: answers to completions are believed.
    AnswersBelieved,
    /// Without 7.3 and 7.4: a part that is missing once is lost.
    LostAtFirstLook,
    /// Without 7.3: the second look comes while completions can still take effect.
    NoAbortBeforeSecondLook,
    /// Without 7.4: what was completed before the abort is not seen.
    NoSecondLook,
    /// Without 7.5: the mark is not looked at.
    MarkNotLookedAt,
    /// Without 7.7: a process that finds a run lost gives up.
    LossNotVoided,
    /// In 7.9 of a void, nothing is deleted.
    VoidDeletesNothing,
    /// 7.9 before 7.1.
    DeleteBeforeComplete,
    /// 7.10 before 7.9.
    MarkBeforeDelete,
    /// 7.10 before 7.1.
    MarkBeforeComplete,
    /// 9.1 in place of 9.2: a stop after the put aborts without a look.
    StopWithoutLook,
    /// The assumption about stores does not hold: an upload's id is forgotten before its object shows.
    StoreForgetsUploads,
}

impl Mutant {
    /// All of them, each with the invariant that must be seen broken; `None` for a deviation that is harmless.
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
