"""What is kept: rows in a relational database, pictures in an object store."""

from .database import Database
from .objects import Objects
from .store import Store

__all__ = ["Database", "Objects", "Store"]
