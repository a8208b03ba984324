"""As whom we come to a NATS server, and how we know that it is the right one: checked when built, never shown."""

import importlib.util
import ssl
from pathlib import Path
from typing import Any, Self

import msgspec

from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import Settings

__all__ = ["Credentials"]


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """One way to say who we are, and the context of TLS where it is wanted; then nothing is said without it.

    `file`: a `.creds` file of a user. `nkey`: a file with the seed of one. Both are read anew for each connection.
    Raises: InvalidSetting.
    """

    user: str | None = None
    password: str | None = None
    token: str | None = None
    file: Path | None = None
    nkey: Path | None = None
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        if sum(way is not None for way in (self.user, self.token, self.file, self.nkey)) > 1:
            raise InvalidSetting(
                "a NATS server is told who we are in one way: user, token, credentials or nkey"
            )
        if (self.user is None) != (self.password is None):
            raise InvalidSetting("a user of a NATS server has a password: set both, or none")
        if self.file is not None:
            _check_file(self.file)
        if self.nkey is not None:
            _check_nkey(self.nkey)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of the settings. Raises: InvalidSetting."""
        password, token = settings.nats_password, settings.nats_token
        return cls(
            user=settings.nats_user,
            password=None if password is None else password.get_secret_value(),
            token=None if token is None else token.get_secret_value(),
            file=settings.nats_credentials,
            nkey=settings.nats_nkey,
            tls=_context(settings),
        )

    @property
    def options(self) -> dict[str, Any]:
        """What the client library takes."""
        given = {
            "user": self.user,
            "password": self.password,
            "token": self.token,
            "user_credentials": self.file,
            "nkeys_seed": None if self.nkey is None else str(self.nkey),
            "tls": self.tls,
        }
        return {name: value for name, value in given.items() if value is not None}

    def __repr__(self) -> str:
        return "<Credentials>"


def _context(settings: Settings) -> ssl.SSLContext | None:
    ca, certificate, key = settings.nats_tls_ca, settings.nats_tls_cert, settings.nats_tls_key
    if ca is None and certificate is None and key is None:
        # With tls:// the authorities of the system.
        return None
    if (certificate is None) != (key is None):
        raise InvalidSetting(
            "a certificate for NATS has a key: set both nats_tls_cert and nats_tls_key, or none"
        )
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None and key is not None:
            # A password that is asked for would hang a server that nobody sits at.
            context.load_cert_chain(certificate, key, password="")  # none
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"cannot use the TLS files for NATS: {error}") from error
    return context


def _check_file(path: Path) -> None:
    _need_nkeys()
    # The client library reads a file without this line for ever, and never yields.
    text = _text(path)
    if "BEGIN NATS USER JWT" not in text or "BEGIN USER NKEY SEED" not in text:
        raise InvalidSetting(f"{path} is not a credentials file: it holds no NATS user JWT with its seed")


def _check_nkey(path: Path) -> None:
    _need_nkeys()
    if not _text(path).strip().startswith("SU"):
        raise InvalidSetting(f"{path} holds no seed of a user's nkey, which begins with SU")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"cannot read the credentials {path}: {error}") from error


def _need_nkeys() -> None:
    if importlib.util.find_spec("nkeys") is None:
        raise InvalidSetting("a credentials file needs one more package: pip install nkeys")
