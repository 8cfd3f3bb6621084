"""What the engine's tests ask of a store and a log."""

import contextlib
import json
import sqlite3


def recorded(cache, name):
    """Number of finished trials in a store."""
    return len(recorded_rows(cache, name))


def recorded_rows(cache, name):
    """Rows of the finished trials in a store."""
    with contextlib.closing(sqlite3.connect(cache / f"{name}.sqlite")) as connection:
        stored = connection.execute("SELECT rows FROM trials").fetchall()
    return [row for (rows,) in stored for row in json.loads(rows)]


def begun(log):
    """Tags of the trials of toy-logged that were begun."""
    return log.read_text().split()
