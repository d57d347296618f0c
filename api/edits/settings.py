"""The installation's settings, in `waybill.yaml`. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from api.edits.documents import Document, edited, with_fields
from core.paths import SETTINGS_PATH
from core.yaml_strict import Value

# Mappings whose fields are set one by one; the others are written whole.
_MERGED = ("timeouts", "retention")
# Of these null is said in the file: no bound. Of the others it is what Waybill has where the file says nothing.
_NULL_SAID = frozenset({"traces_max_mb"})


def updated(files: Mapping[str, bytes], fields: Mapping[str, Value]) -> dict[str, bytes]:
    """`waybill.yaml` with these fields set (None: unset). Of `timeouts` and `retention`, only the fields that are given."""

    def change(document: Document) -> Document:
        wished = dict(fields)
        for name in _MERGED:
            given, own = wished.get(name), document.get(name)
            if isinstance(given, dict):
                base = own if isinstance(own, dict) else {}
                whole = {**base, **given}
                merged = {
                    key: value for key, value in whole.items() if value is not None or key not in given or key in _NULL_SAID
                }
                # A mapping that was there stays, empty; none is made to say nothing.
                wished[name] = merged if merged or own is not None else None
        return with_fields(document, wished)

    return edited(SETTINGS_PATH, files[SETTINGS_PATH], change)
