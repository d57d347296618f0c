"""The names inside a data folder. Pure: nothing is opened or made here, and nothing else knows these names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies below `data`, a folder of mode 0700."""

    data: Path

    @property
    def repository(self) -> Path:
        """The bare Git repository of the configuration, branch `main`."""
        return self.data / "config.git"

    @property
    def database(self) -> Path:
        """The SQLite database: users, log rows, rollups."""
        return self.data / "waybill.sqlite3"

    @property
    def journal(self) -> Path:
        """The folder of journal segments; only the proxy writes there."""
        return self.data / "journal"

    @property
    def published(self) -> Path:
        """The folder of snapshots and deltas: written by the API, read by the proxy."""
        return self.data / "published"

    @property
    def proxies(self) -> Path:
        """The folder in which each proxy says which revision it runs."""
        return self.data / "proxies"

    def proxy_state(self, proxy_id: str) -> Path:
        """The state file of one proxy."""
        return self.proxies / f"{proxy_id}.json"

    def progress_socket(self, proxy_id: str) -> Path:
        """Where one proxy tells what happens inside requests, to whoever connects."""
        return self.proxies / f"{proxy_id}.progress"

    @property
    def balances(self) -> Path:
        """The folder in which proxies ask what was used before they counted, and the API answers."""
        return self.data / "balances"

    def pending_counts(self, proxy_id: str) -> Path:
        """What one proxy asks; only it writes there."""
        return self.balances / f"{proxy_id}.pending.json"

    def opening_balances(self, proxy_id: str) -> Path:
        """What it is answered; only the API writes there."""
        return self.balances / f"{proxy_id}.opened.json"

    @property
    def checkpoint(self) -> Path:
        """The proxy's checkpoint: its ledger and statistics, with their journal position."""
        return self.data / "proxy" / "checkpoint.json"

    @property
    def private_key(self) -> Path:
        """The key that opens sealed credentials, mode 0600; only the proxy reads it."""
        return self.data / "keys" / "sealing.key"

    @property
    def public_key(self) -> Path:
        """The key that credentials are sealed to."""
        return self.data / "keys" / "sealing.pub"

    @property
    def wishes_key(self) -> Path:
        """The key of the digests that tell a retry from another wish, mode 0600; only the API reads it."""
        return self.data / "keys" / "wishes.key"

    @property
    def secrets(self) -> Path:
        """The folder whose files `credential: {file: NAME}` may name."""
        return self.data / "secrets"

    @property
    def initial_credentials(self) -> Path:
        """What the first start tells its user, for scripts; mode 0600."""
        return self.data / "initial-credentials.yaml"
