"""The proxy's log lines, as whoever collects them reads them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from proxy.logs import JsonLines


def line(message: str, *arguments: object, error: BaseException | None = None, **fields: object) -> dict[str, object]:
    """What is written for one call of a logger."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger("waybill.proxy").makeRecord(
        "waybill.proxy", logging.WARNING, __file__, 1, message, arguments, exc_info, extra=fields
    )
    text = JsonLines().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_a_line_is_one_object_with_the_event_its_fields_and_where_it_comes_from() -> None:
    found = line("the journal is full: %s", "no space", records=3, path="ü")
    assert str(found.pop("timestamp")).endswith("Z")
    assert found == {
        "event": "the journal is full: no space",
        "records": 3,
        "path": "ü",
        "logger": "waybill.proxy",
        "level": "warning",
    }


def test_an_exception_comes_with_its_traceback_in_the_same_line() -> None:
    try:
        raise ValueError("deep\ninside")
    except ValueError as error:
        found = line("failed", error=error)
    assert "Traceback" in str(found["exception"])
    assert "ValueError: deep\ninside" in str(found["exception"])


def test_a_value_that_json_does_not_know_is_written_as_text() -> None:
    assert line("odd", value=object)["value"] == "<class 'object'>"


def test_the_proxy_starts_without_the_libraries_of_the_other_plane() -> None:
    heavy = {"structlog", "rich", "pydantic", "sqlalchemy", "litestar", "strawberry", "git", "pygit2", "httpx"}
    code = "import sys, proxy.main; print(*sys.modules)"
    imported = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert imported & heavy == set()
