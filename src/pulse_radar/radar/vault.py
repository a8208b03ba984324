"""Keys of providers as they lie in the database: encrypted, where we are told with what."""

import logging
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from pulse_radar.errors import InvalidSetting, PulseError

__all__ = ["CannotOpen", "Vault"]

_log: Final = logging.getLogger("pulse_radar.store")

# What is written before a secret, which says what was done to it.
_SEALED: Final = "fernet:"
_PLAIN: Final = "plain:"


class CannotOpen(PulseError):
    """A secret was encrypted with a key that we are not told."""


class Vault:
    """Seals and opens secrets. Raises: InvalidSetting, for a key that is none."""

    def __init__(self, keys: SecretStr | None) -> None:
        """`keys`: `RadarSettings.secret_key`. The first seals, all of them open: so keys are changed without a stop."""
        try:
            texts = [] if keys is None else [key.strip() for key in keys.get_secret_value().split(",")]
            self._fernet = MultiFernet([Fernet(text) for text in texts]) if texts else None
        except ValueError:
            raise InvalidSetting(
                "secret_key (PULSE_SECRET_KEY) is no key: it is 32 bytes as base64url, as of "
                "`openssl rand -base64 32 | tr '+/' '-_'`"
            ) from None

    def seal(self, secret: SecretStr) -> str:
        """What is to be kept of it."""
        text = secret.get_secret_value()
        if self._fernet is None:
            _log.warning("a provider's key is kept as it is: set PULSE_SECRET_KEY, and it is encrypted")
            return f"{_PLAIN}{text}"
        return f"{_SEALED}{self._fernet.encrypt(text.encode()).decode()}"

    def open(self, kept: str) -> SecretStr:
        """The secret. Raises: CannotOpen."""
        if kept.startswith(_PLAIN):
            return SecretStr(kept.removeprefix(_PLAIN))
        try:
            # Without a key of ours, one that opens nothing.
            fernet = self._fernet or Fernet(Fernet.generate_key())
            return SecretStr(fernet.decrypt(kept.removeprefix(_SEALED)).decode())
        except InvalidToken:
            raise CannotOpen(
                "a provider's key was encrypted with another PULSE_SECRET_KEY: name that one, too, or enter it anew"
            ) from None

    def __repr__(self) -> str:
        return f"<Vault {'open to all' if self._fernet is None else 'sealed'}>"
