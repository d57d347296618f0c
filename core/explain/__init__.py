"""A routing decision without sending anything: behind `waybill explain FILE` and GraphQL's `explain` and `explainRequest`.

`deciding.py` decides, as the proxy does and with the same engine; `limiting.py` says what limits leave; `reading.py` reads the
JSON file that the command takes.
"""

from __future__ import annotations

from core.explain.deciding import Explained as Explained
from core.explain.deciding import Explanation as Explanation
from core.explain.deciding import explain as explain
from core.explain.faults import ExplainError as ExplainError
from core.explain.limiting import Held as Held
from core.explain.limiting import Levels as Levels
from core.explain.limiting import held_by as held_by
from core.explain.reading import explain_file as explain_file
from core.explain.reading import read as read
