"""Where a study's results live: one SQLite file, and weights beside it."""

from assay.store.contract import PARTS as PARTS
from assay.store.contract import Header as Header
from assay.store.contract import Store as Store
from assay.store.sqlite import SQLiteStore as SQLiteStore
