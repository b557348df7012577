"""Batches: products x scenes x formats, planned first, then made in the background, never twice."""

from .asks import Ask, Line, Refused
from .delivery import item_view, items_of, write_contact_sheet, write_results_csv, write_zip
from .planning import Batch, BatchState, Plan, batch_of, create, each_batch, plan_of, start, start_if_asked
from .work import LOOK_KIND, PICTURE_KIND, look_at_line, make_item

__all__ = [
    "LOOK_KIND",
    "PICTURE_KIND",
    "Ask",
    "Batch",
    "BatchState",
    "Line",
    "Plan",
    "Refused",
    "batch_of",
    "create",
    "each_batch",
    "item_view",
    "items_of",
    "look_at_line",
    "make_item",
    "plan_of",
    "start",
    "start_if_asked",
    "write_contact_sheet",
    "write_results_csv",
    "write_zip",
]
