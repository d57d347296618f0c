"""What every test shares: a guard that no test leaves the machine, and patience."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A proxy that the environment names would take requests to our own loopback servers elsewhere.
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
# No test depends on what the person who runs it has told Git.
os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
os.environ["GIT_CONFIG_NOSYSTEM"] = "1"
os.environ.update(
    GIT_AUTHOR_NAME="Test",
    GIT_AUTHOR_EMAIL="test@example.com",
    GIT_COMMITTER_NAME="Test",
    GIT_COMMITTER_EMAIL="test@example.com",
)
for name in [name for name in os.environ if name.startswith("WAYBILL_")]:
    del os.environ[name]

# A busy machine is no failure. Under CI the same examples each time: what is new is found by who can look into it.
settings.register_profile(
    "waybill", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("waybill")
