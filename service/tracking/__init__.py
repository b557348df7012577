"""Decisions and what followed them: signed links, group commit, the log, the evidence that weights are made from."""

from .commit import GroupCommit
from .context import segment_for
from .counting import count_in
from .erasure import Gone, erase_visitor, retain
from .events import MARKS, EventKind, IncomingEvent, MarkName, Outcome, Report
from .evidence import Evidence
from .filters import Filters
from .log import LoggedDecision, Quality, Rules, TrackingLog
from .tokens import Signer, Token
from .visitors import Visitors

__all__ = [
    "MARKS",
    "EventKind",
    "Evidence",
    "Filters",
    "Gone",
    "GroupCommit",
    "IncomingEvent",
    "LoggedDecision",
    "MarkName",
    "Outcome",
    "Quality",
    "Report",
    "Rules",
    "Signer",
    "Token",
    "TrackingLog",
    "Visitors",
    "count_in",
    "erase_visitor",
    "retain",
    "segment_for",
]
