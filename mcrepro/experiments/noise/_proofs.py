"""What the tables of proved statements have in common."""

import pandas as pd


def holds(table: pd.DataFrame, *statements: str) -> bool:
    """Return whether all of these were proved."""
    found = table.set_index("statement")["holds"]
    return all(bool(found[statement]) for statement in statements)
