"""What an alert looks like to a receiver, and how it is signed. Pure.

POST … HTTP/1.1
content-type: application/json
x-waybill-alert-id: 17-9f3c6c1d2b7a4e05       the same at every attempt, and never that of another alert
x-waybill-timestamp: 1795424460               Unix seconds of this attempt
x-waybill-signature: v1=<hex>                 HMAC-SHA256 with the secret over `<timestamp>.<body>`
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from api.database.alerts import Alert
from core.limits import Scope
from core.limits.verdicts import written_usd
from core.limits.windows import window_name

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def alert_id(alert: Alert) -> str:
    """What a receiver knows an alert by: its place, and what it is about, so that a restored database repeats none."""
    return f"{alert.id}-{hashlib.sha256(alert.event.encode()).hexdigest()[:16]}"


def body(alert: Alert) -> bytes:
    """The alert as JSON; cost in decimal USD as a string, everything else that is counted as a number."""
    scope = Scope(alert.project, alert.token, alert.model)
    value: dict[str, Any] = {
        "id": alert_id(alert),
        "kind": alert.kind,
        "at": _instant(alert.at_ms),
        "scope": scope.kind,
        "owner": scope.owner,
        "project": alert.project or None,
        "token": alert.token or None,
        "model": alert.model or None,
        "metric": alert.metric,
        "window": window_title(alert.window),
        "window_start": _instant(alert.start_ms),
        "resets_at": None if alert.reset_ms is None else _instant(alert.reset_ms),
        "limit": _amount(alert, alert.value),
        "used": _amount(alert, alert.used),
        "request_id": alert.request_id,
        "revision": alert.revision,
    }
    return msgspec.json.encode(value)


def headers(alert: Alert, payload: bytes, secret: str, now_ms: int) -> dict[str, str]:
    """The headers of one attempt at an instant."""
    timestamp = str(now_ms // 1000)
    return {
        "content-type": "application/json",
        "user-agent": "waybill",
        "x-waybill-alert-id": alert_id(alert),
        "x-waybill-timestamp": timestamp,
        "x-waybill-signature": f"v1={signature(secret, timestamp, payload)}",
    }


def signature(secret: str, timestamp: str, payload: bytes) -> str:
    """HMAC-SHA256 over `<timestamp>.<body>`, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + payload, hashlib.sha256).hexdigest()


def window_title(window: str) -> str | None:
    """A window in words, as `core.limits` writes it; None for what is about one request."""
    if not window:
        return None
    return window_name(int(window)) if window.isdigit() else window


def _amount(alert: Alert, amount: int) -> str | int:
    return written_usd(amount) if alert.metric == "cost" else amount


def _instant(at_ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
