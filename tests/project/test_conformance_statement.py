"""The conformance statement says what the tables say that de-identification goes by."""

from __future__ import annotations

from tools.conformance_statement import PAGE, page_with_tables


def test_the_tables_of_the_conformance_statement_are_current() -> None:
    assert page_with_tables() == PAGE.read_text(encoding="utf-8"), "python -m tools.conformance_statement"
