"""What only the application is told: where its rows are, what an upload may have, what providers may be."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from pulse_radar.broker_url import for_people
from pulse_radar.settings import EnvironmentSettings, Settings

__all__ = ["RadarSettings"]


class RadarSettings(EnvironmentSettings):
    """The settings of the application, beside those of its live layer."""

    database: str | None = Field(
        None,
        description="Where rows are kept: sqlite:///radar.db or postgresql://user@host/name (extra `postgresql`). "
        "By default radar.db in the data directory.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Encrypts the keys of providers in the database: 32 bytes as base64url, as of "
        "`openssl rand -base64 32 | tr '+/' '-_'`. Several, comma-separated: the first encrypts, all decrypt. "
        "Without it they are kept as they are.",
    )
    allow_private_providers: bool = Field(
        False,
        description="Let providers be in private networks and on this machine. Whoever may change providers can then "
        "have this server ask what only it can reach.",
    )
    upload_limit_bytes: int = Field(
        4 * 1024**3,
        ge=1024,
        description="Size of an export that is uploaded; a larger one is 413. The disk of the data directory holds it "
        "until it is ingested.",
    )

    telegram_token: SecretStr | None = Field(
        None,
        description="Of the bot that `pulse-radar telegram` reads along with, as @BotFather tells it: 123456:ABC….",
    )
    telegram_server: str = Field(
        "https://api.telegram.org",
        description="Where the Bot API is: Telegram's, or a server of your own that speaks it.",
    )

    @field_validator("database")
    @classmethod
    def _of_a_kind_that_we_know(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"sqlite", "postgresql", "postgres"}:
            raise ValueError("it begins with sqlite:/// or postgresql://")
        return value

    def database_url(self, settings: Settings) -> str:
        """The URL with the driver that we use."""
        if self.database is None:
            # Two systems may share a broker, and hardly mean to share their rows.
            name = f"radar-{settings.namespace}.db" if settings.namespace else "radar.db"
            return f"sqlite+aiosqlite:///{settings.data_dir.absolute() / name}"
        kind, _, rest = self.database.partition(":")
        return f"{'sqlite+aiosqlite' if kind == 'sqlite' else 'postgresql+asyncpg'}:{rest}"

    def database_for_people(self, settings: Settings) -> str:
        """The URL without credentials."""
        return for_people(self.database_url(settings))
