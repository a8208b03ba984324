"""Where a provider is, and what it may cost: in time, in requests, in tokens."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["ProviderAccess", "ProviderLimits"]


class ProviderAccess(BaseModel):
    """An endpoint. The key is shown nowhere: not in a repr, not in a log, not in an error."""

    model_config = ConfigDict(frozen=True)

    base_url: str = Field(description="As of `https://api.example.com/v1`.")
    model: str
    key: SecretStr | None = None
    instructions: str = Field(default="", description="What the model is told beside what is to be found.")


class ProviderLimits(BaseModel):
    """What is asked at most."""

    model_config = ConfigDict(frozen=True)

    # More are cheaper, and more are lost when an answer is no good.
    messages_per_request: int = Field(default=20, ge=1, le=200)
    # More only meet the provider's own limits.
    requests_at_once: int = Field(default=4, ge=1, le=64)
    # For all attempts together; then the default extraction does it.
    seconds_per_batch: float = Field(default=60.0, gt=0)
    # Of a question that is refused for now.
    attempts: int = Field(default=3, ge=1, le=10)
    # Of questions and answers together. When they are spent, nothing more is asked.
    tokens: int = Field(default=1_000_000, ge=1)
    # Of one answer. A longer one is cut, and so no good.
    answer_tokens: int = Field(default=2_000, ge=100)
