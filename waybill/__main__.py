"""`python -m waybill`: the same as the `waybill` command."""

from __future__ import annotations

import sys

from waybill.cli import main

sys.exit(main())
