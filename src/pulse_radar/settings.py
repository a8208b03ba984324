"""Everything that can be set, each with its unit, its default, and what breaks when it is wrong."""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pulse_radar.broker_url import for_people
from pulse_radar.errors import InvalidSetting
from pulse_radar.hub.limits import Limits

__all__ = ["CommandSettings", "EnvironmentSettings", "Settings"]

# What the hub works by where nothing else is set.
_LIMITS: Final = Limits()

_Names = Annotated[tuple[str, ...], NoDecode]


class EnvironmentSettings(BaseSettings):
    """Source: arguments, else environment variables `PULSE_*`. Raises: InvalidSetting, by `load`."""

    model_config = SettingsConfigDict(env_prefix="PULSE_", frozen=True, extra="forbid")

    @classmethod
    def load(cls, **given: object) -> Self:
        """The settings from the environment, with `given` over them; None leaves the environment's."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise InvalidSetting(_explain(error)) from None


class Settings(EnvironmentSettings):
    """The settings of a process."""

    @classmethod
    def chosen(cls, broker: str | None, settings: Self | None) -> Self:
        """The settings that are given, or those of the environment with this broker. Raises: InvalidSetting."""
        if settings is None:
            return cls.load(broker=broker)
        if broker is not None:
            raise InvalidSetting(
                f"both a broker ({for_people(broker)}) and settings are given: say Settings.load(broker=…) instead"
            )
        return settings

    broker: str = Field(
        "memory://",
        description="Where events are kept: memory:// (one process), embedded:// (several on this machine), "
        "nats://host:4222 (anywhere).",
    )
    namespace: str = Field(
        "",
        pattern=r"^([a-z][a-z0-9_-]{0,31})?$",
        description="Prefix of streams and subjects, so that two systems can share a broker.",
    )
    replicas: int = Field(
        1,
        ge=1,
        le=5,
        description="Servers of a NATS cluster that keep each new stream. With 3, one may die and nothing stops. "
        "1 is all that a single server can, and acknowledges without asking others.",
    )
    nats_user: str | None = Field(
        None, description="The user of a nats:// server, where it is not in the URL."
    )
    nats_password: SecretStr | None = Field(None, description="The user's password.")
    nats_token: SecretStr | None = Field(None, description="A token in place of a user.")
    nats_credentials: Path | None = Field(None, description="A user's .creds file (JWT and seed).")
    nats_nkey: Path | None = Field(None, description="A file with the seed of a user's nkey.")
    nats_tls_ca: Path | None = Field(
        None,
        description="The authority that signed the server's certificate. Without it, with tls://, the system's.",
    )
    nats_tls_cert: Path | None = Field(
        None, description="Our own certificate, where the server asks for one."
    )
    nats_tls_key: Path | None = Field(None, description="Its key.")
    nats_inbox_prefix: str = Field(
        "_INBOX",
        description="Where answers arrive. One a user, with permissions, keeps others from reading them.",
    )
    data_dir: Path = Field(
        Path(".pulse"), description="Where embedded:// keeps its data; relative to the working directory."
    )
    allowed_hosts: _Names = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names under which this server may be addressed, comma-separated. "
        "Anything else is refused, which defeats DNS rebinding. '*' allows all.",
    )
    allowed_origins: _Names = Field(
        (),
        description="Origins besides the same one whose pages may connect, comma-separated: https://app.example.com.",
    )
    trusted_proxies: _Names = Field(
        (),
        description="Whose X-Forwarded-For, -Proto and -Host are believed, comma-separated: addresses, networks "
        "(10.0.0.0/8), or unix. Whoever else sends them is taken for a client that lies.",
    )
    publish_token: SecretStr | None = Field(
        None,
        description="Bearer token for POST /publish, which is off without it and without `authenticate`. "
        "At least 16 characters.",
    )
    ticket_secret: SecretStr | None = Field(
        None,
        description="Signs the tickets of POST /ticket, which is off without it but on memory://. The same in all "
        "processes. At least 32 characters.",
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for GET /metrics, which is off without it. At least 16 characters."
    )
    outbox_limit: int = Field(
        10_000,
        ge=1,
        description="Publishes that may wait for the broker in this process; one more raises OutboxFull.",
    )
    publish_deadline: float = Field(
        30.0,
        gt=0,
        description="Seconds after which a publish that is not stored raises. "
        "Shorter than a leader election (8.5 s) fails without need.",
    )
    duplicate_window: float = Field(
        120.0,
        ge=1,
        le=3600,
        description="Seconds for which the broker recognises a repeated id. Longer costs it memory.",
    )
    max_event_bytes: int = Field(
        256 * 1024,
        ge=1024,
        le=1024 * 1024,
        description="Encoded size of one event. Every subscriber gets a copy: send large things by reference.",
    )
    max_frame_bytes: int = Field(
        64 * 1024, ge=1024, description="Size of one frame from a client; a larger one closes with 4413."
    )
    max_connections: int = Field(
        10_000,
        ge=1,
        description="Connections of this process; one more is refused (503) and comes back. At some 100,000 "
        "deliveries a second, ten thousand clients get ten events a second each. Each is an open file.",
    )
    max_connections_per_address: int = Field(
        1_000,
        ge=1,
        description="The same of one address, of IPv6 of a network /64. Offices and mobile networks have hundreds "
        "of people behind one. Behind proxies that trusted_proxies does not name, everybody is one address. "
        "Whoever is on this machine is not counted.",
    )
    max_connections_per_principal: int = Field(
        100,
        ge=1,
        description="The same of whoever `authenticate` says it is: all their tabs and devices. Too few closes a "
        "service whose clients share one token.",
    )
    request_seconds: float = Field(
        10.0,
        gt=0,
        description="Seconds for a client of `serve` to send the head of a request, from connecting or from its first "
        "byte, and then its body, for which each 500 bytes are a second more. Shorter cuts off people on bad "
        "networks; longer lets whoever sends nothing hold a socket.",
    )
    response_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds after which a client of `serve` is cut off that takes nothing of an answer (events have "
        "unsent_limit_bytes).",
    )
    hook_seconds: float = Field(
        10.0,
        gt=0,
        description="Seconds in which `authenticate` and `authorize` have to answer; then the client is told to come "
        "back later (1013, or 503). Shorter turns people away while a database is slow; longer keeps them waiting for "
        "one that hangs.",
    )
    max_frames_per_second: float = Field(
        50.0,
        gt=0,
        description="Frames that a client may send in the long run, after as many at once as it may have "
        "subscriptions and 256; more close with 4429. Fewer than a page needs that changes what it follows "
        "closes pages of yours; at 50, four hundred connections that send all they may cost a fifth of a processor.",
    )
    max_subscriptions: int = Field(
        _LIMITS.subscriptions,
        ge=1,
        description="Subscriptions of one connection; one more is refused. A page that wants more keys follows "
        "the whole topic.",
    )
    unsent_limit_bytes: int = Field(
        1024 * 1024,
        ge=512 * 1024,
        description="Bytes that may wait for one slow connection; beyond, it is closed with 4000 and resumes. "
        "At least max_event_bytes and a page of a replay (256 KiB).",
    )
    compression: bool = Field(
        False,
        description="Whether `serve`, or uvicorn with our protocol class, compresses what it sends to clients that "
        "offer permessage-deflate: each event once for all of them, some 30 microseconds for one of 2 kB. Short ones "
        "gain little. Not where a secret stands beside what a stranger wrote: the length of an event would tell of it "
        "(CRIME).",
    )
    window_events: int = Field(
        _LIMITS.window_events,
        ge=1,
        description="Newest events of each topic held in memory for quick replay.",
    )
    window_bytes: int = Field(
        _LIMITS.window_bytes, ge=1024, description="The same bound in bytes, per topic."
    )
    drain_seconds: float = Field(
        _LIMITS.drain_seconds,
        ge=0,
        le=3600,
        description="Seconds over which a process that is told to end (SIGTERM) sends its clients to others. "
        "Shorter is a rush on those; longer than half of what the supervisor waits before SIGKILL "
        "(docker: 10 s) cuts off whoever is still there.",
    )
    show_traceparent: bool = Field(
        False,
        description="Tell clients to which trace an event belongs (`traceparent`), so that a page can go on with it. "
        "It is 70 bytes more of each such event, and tells them your trace ids.",
    )
    ping_interval: float = Field(
        _LIMITS.ping_interval_seconds, gt=0, description="Seconds between pings on a connection (ADR-007)."
    )
    pong_timeout: float = Field(
        _LIMITS.pong_timeout_seconds,
        gt=0,
        description="Seconds without a sign of life after which a connection is closed (ADR-007).",
    )

    @field_validator("allowed_hosts", "allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("publish_token", "metrics_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("a token of fewer than 16 characters is guessed: use `openssl rand -hex 16`")
        return value

    @field_validator("ticket_secret")
    @classmethod
    def _unguessable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("a secret of fewer than 32 characters is guessed: use `openssl rand -hex 32`")
        return value

    @field_validator("unsent_limit_bytes")
    @classmethod
    def _room_for_an_event(cls, value: int, info: ValidationInfo) -> int:
        largest = info.data.get("max_event_bytes", 0)
        least = largest + _LIMITS.page_bytes
        if value < least:
            raise ValueError(
                f"the largest event (max_event_bytes, {largest}) behind a page of a replay ({_LIMITS.page_bytes}) "
                f"would evict clients that read: at least {least}"
            )
        return value

    def limits(self) -> Limits:
        """What the hub works by. Raises: InvalidSetting, where two of them cannot be."""
        return Limits(
            ping_interval_seconds=self.ping_interval,
            pong_timeout_seconds=self.pong_timeout,
            drain_seconds=self.drain_seconds,
            subscriptions=self.max_subscriptions,
            window_events=self.window_events,
            window_bytes=self.window_bytes,
        )

    @property
    def broker_for_people(self) -> str:
        """The broker's URL without credentials; for embedded:// with the place of its data."""
        if self.broker.startswith("embedded:"):
            return f"{self.broker} in {self.data_dir.absolute()}"
        return for_people(self.broker)


class CommandSettings(EnvironmentSettings):
    """What only the command line reads: where `serve` and `demo` listen, and where `tail` goes.

    Not among the others, for an app must start whatever these say: beside a service that is named `pulse`,
    Kubernetes sets PULSE_PORT to an address.
    """

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="The address that `serve` listens on. Beyond this machine it wants an app that authenticates.",
    )
    port: int = Field(8000, ge=0, le=65_535, description="The port of it; 0: any that is free.")
    insecure: bool = Field(
        False, description="Serve an app that asks nobody who they are to other machines all the same."
    )
    url: str = Field(
        "ws://127.0.0.1:8000/ws", description="The server that `tail` follows: ws://host/ws or http://host."
    )
    token: SecretStr | None = Field(
        None, description="The bearer token that `tail` shows to a server that asks who is there."
    )


def _explain(error: ValidationError) -> str:
    """One line a setting, without the values: one of them may be a secret."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name} (PULSE_{name.upper()}): {said}")
    return "; ".join(lines)
