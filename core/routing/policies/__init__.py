"""The routing policies: one module each, and this registry, the only place that knows them all."""

from __future__ import annotations

from typing import TypeAlias

from core.routing.policies.cheapest import Cheapest
from core.routing.policies.health import Health
from core.routing.policies.performance import Performance

Policy: TypeAlias = Cheapest | Health | Performance
