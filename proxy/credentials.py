"""Provider keys, read only here and only when a request needs one. It goes to the origin it was given for and to no other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from core.config import Provider
from core.sealing import SealError, unseal


class CredentialUnavailable(Exception):
    """The provider's key cannot be had here; the message says why and how to mend it, never the key."""


class Credentials:
    """Resolves credential references against the environment, the secrets folder and the proxy's private key."""

    def __init__(self, secrets: Path, private_key: bytes | None, environment: Mapping[str, str] = os.environ) -> None:
        self._secrets = secrets
        self._private_key = private_key
        self._environment = environment

    def key(self, provider_id: str, provider: Provider, origin: str) -> str | None:
        """The provider's key for `origin` (scheme://host[:port]), None where the provider has no credential.

        Raises CredentialUnavailable when it is missing, or was given for another origin.
        """
        credential = provider.credential
        if credential is None:
            return None
        if credential.sealed is not None:
            return self._unsealed(provider_id, credential.sealed, origin)
        if credential.origin != origin:
            raise CredentialUnavailable(
                f"provider {provider_id}: its credential was given for {credential.origin}, not for {origin}; "
                "give the key again for the new base_url"
            )
        if credential.env is not None:
            return self._from_environment(provider_id, credential.env)
        assert credential.file is not None  # Credential holds exactly one source
        return self._from_file(provider_id, credential.file)

    def _from_environment(self, provider_id: str, name: str) -> str:
        value = self._environment.get(name, "").strip()
        if not value:
            raise CredentialUnavailable(f"provider {provider_id}: the environment variable {name} of the proxy is not set")
        return value

    def _from_file(self, provider_id: str, name: str) -> str:
        try:
            value = (self._secrets / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialUnavailable(
                f"provider {provider_id}: the secrets folder has no readable file {name} ({type(error).__name__})"
            ) from None
        if not value:
            raise CredentialUnavailable(f"provider {provider_id}: the secrets file {name} is empty")
        return value

    def _unsealed(self, provider_id: str, sealed: str, origin: str) -> str:
        if self._private_key is None:
            raise CredentialUnavailable(f"provider {provider_id}: this proxy has no private key to open its sealed credential")
        try:
            secret = unseal(self._private_key, sealed)
        except SealError:
            raise CredentialUnavailable(
                f"provider {provider_id}: its sealed credential was not sealed for this installation; give the key again"
            ) from None
        if secret.provider != provider_id or secret.origin != origin:
            raise CredentialUnavailable(
                f"provider {provider_id}: its sealed credential is bound to provider {secret.provider} at {secret.origin}, "
                f"not to {origin}; give the key again for the new base_url"
            )
        return secret.key
