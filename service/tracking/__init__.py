"""Decisions and what followed them: signed links, group commit, the log, the evidence that weights are made from."""

from .commit import GroupCommit
from .events import EventKind, IncomingEvent, Outcome, Report
from .evidence import Evidence
from .log import LoggedDecision, Rules, TrackingLog
from .tokens import Signer, Token
from .visitors import Visitors

__all__ = [
    "EventKind",
    "Evidence",
    "GroupCommit",
    "IncomingEvent",
    "LoggedDecision",
    "Outcome",
    "Report",
    "Rules",
    "Signer",
    "Token",
    "TrackingLog",
    "Visitors",
]
