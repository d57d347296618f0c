"""Limits: which hold for a request, over which windows, and what is used of them. Arithmetic on (limit, now); no clock."""

from __future__ import annotations

from core.limits.amounts import METRICS as METRICS
from core.limits.amounts import Amounts as Amounts
from core.limits.amounts import booked as booked
from core.limits.chains import NO_LIMITS as NO_LIMITS
from core.limits.chains import Effective as Effective
from core.limits.chains import Scope as Scope
from core.limits.chains import effective_per_model as effective_per_model
from core.limits.chains import effective_totals as effective_totals
from core.limits.chains import model_scopes as model_scopes
from core.limits.chains import total_scopes as total_scopes
from core.limits.usage import WindowUsage as WindowUsage
from core.limits.usage import new_usage as new_usage
from core.limits.verdicts import Block as Block
from core.limits.verdicts import Record as Record
from core.limits.verdicts import Standing as Standing
from core.limits.verdicts import deciding as deciding
from core.limits.verdicts import reasons as reasons
from core.limits.verdicts import standing as standing
from core.limits.verdicts import used_by as used_by
from core.limits.verdicts import without_shared_figures as without_shared_figures
from core.limits.windows import Window as Window
from core.limits.windows import window_of as window_of
