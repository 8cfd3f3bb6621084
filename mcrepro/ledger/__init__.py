"""The ledger: every registered claim of the papers, and what became of it.

>>> import mcrepro as mc
>>> frame = mc.ledger.verdicts(profile="quick")
>>> mc.ledger.summary(frame)

An entry in ``claims/<paper>/<chapter>.yml`` names a protocol and a statistic (`mcrepro.ledger.schema`
describes it); the verdict is computed from them by the rules of `mcrepro.ledger.verdict`.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["check", "report", "schema", "verdict"],
    submod_attrs={
        "changes": ["changes", "reference_at"],
        "entries": ["LedgerError", "load", "register"],
        "errata": ["errata", "errata_list", "errata_summary", "errata_table"],
        "evaluate": ["reference_summary", "summary", "verdicts"],
        "reference": ["load_reference", "save_reference"],
        "tables": ["load_environment", "load_table", "save_tables", "settled_commit"],
        "report": ["agreement_line", "chapter_table", "claims_page", "write"],
    },
)
