"""Providers: endpoints that speak OpenAI's protocol. Their keys come in, and never go out again."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import select

from pulse_radar.radar.api.kept import FAILURES, IfMatch, Shelf, changed, new_id
from pulse_radar.radar.api.lists import Before, Limit, Page, page_of
from pulse_radar.radar.kept_events import ProviderCreated, ProviderDeleted, ProviderShown, ProviderUpdated
from pulse_radar.radar.outside import Inside, addresses_of, check_url
from pulse_radar.radar.running import Radar
from pulse_radar.radar.store import Provider

__all__ = ["providers_router"]

_Name = Annotated[str, Field(min_length=1, max_length=200, examples=["OpenAI"])]
_BaseUrl = Annotated[str, Field(max_length=2_000, examples=["https://api.openai.com/v1"])]
_Model = Annotated[str | None, Field(max_length=200, examples=["gpt-4o-mini"])]


def _as_in_a_header(key: SecretStr | None) -> SecretStr | None:
    """The key without what came along when it was pasted; none at all, where nothing is left."""
    text = "" if key is None else key.get_secret_value().strip()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("a key is one word of ASCII characters")
    return SecretStr(text) if text else None


_Key = Annotated[
    SecretStr | None,
    Field(max_length=1_000, description="Kept, and never shown to anybody."),
    AfterValidator(_as_in_a_header),
]


class NewProvider(BaseModel):
    # What is wrong is told without what was said: it may be the key.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Name
    base_url: _BaseUrl
    model: _Model = None
    api_key: _Key = None


class ProviderChanges(BaseModel):
    """What is not said stays as it is; but with another base URL the key is dropped, unless one is said."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Name = ""
    base_url: _BaseUrl = ""
    model: _Model = None
    api_key: _Key = None


def providers_router(radar: Radar) -> APIRouter:
    router = APIRouter(prefix="/providers", tags=["providers"])
    reads = Depends(radar.pulse.requires("read", "providers"))
    changes_them = Depends(radar.pulse.requires("admin", "providers"))
    shelf = Shelf(
        radar, Provider, _shown, created=ProviderCreated, updated=ProviderUpdated, deleted=ProviderDeleted
    )
    failures = FAILURES | {422: {"description": "not as it should be, or an address that is not allowed"}}

    @router.get("", dependencies=[reads], summary="Providers, the newest first")
    async def listed(before: Before = None, limit: Limit = 100) -> Page[ProviderShown]:
        position = radar.pulse.position("providers")
        rows = select(Provider)
        return await page_of(
            radar.store, Provider, rows, _shown, position=position, before=before, limit=limit
        )

    @router.post("", status_code=201, dependencies=[changes_them], responses=failures, summary="A new one")
    async def create(new: NewProvider, response: Response) -> ProviderShown:
        base_url = await _allowed(radar, new.base_url)
        secret = None if new.api_key is None else radar.vault.seal(new.api_key)
        provider = Provider(id=new_id(), name=new.name, base_url=base_url, model=new.model, secret=secret)
        return await shelf.create(provider, response)

    @router.get("/{provider_id}", dependencies=[reads], responses=FAILURES, summary="One provider")
    async def get(provider_id: str, response: Response) -> ProviderShown:
        return await shelf.get(provider_id, response)

    @router.patch("/{provider_id}", dependencies=[changes_them], responses=failures, summary="Change it")
    async def change(
        provider_id: str, changes: ProviderChanges, response: Response, if_match: IfMatch = None
    ) -> ProviderShown:
        if "base_url" in changes.model_fields_set:
            changes = changes.model_copy(update={"base_url": await _allowed(radar, changes.base_url)})

        def change_it(provider: Provider) -> None:
            _change_key(radar, provider, changes)
            changed(provider, changes, leave=["api_key"])

        return await shelf.change(provider_id, if_match, change_it, response)

    @router.delete(
        "/{provider_id}",
        status_code=204,
        dependencies=[changes_them],
        responses=FAILURES,
        summary="Delete it",
    )
    async def delete(provider_id: str, if_match: IfMatch = None) -> None:
        await shelf.delete(provider_id, if_match)

    return router


def _change_key(radar: Radar, provider: Provider, changes: ProviderChanges) -> None:
    if "api_key" in changes.model_fields_set:
        provider.secret = None if changes.api_key is None else radar.vault.seal(changes.api_key)
    elif "base_url" in changes.model_fields_set and changes.base_url != provider.base_url:
        # Whoever may change an address, and does not know the key, would have it sent there.
        provider.secret = None


async def _allowed(radar: Radar, base_url: str) -> str:
    """Raises: HTTPException, 422, for an address to which we must not be sent."""
    try:
        await addresses_of(base_url, allow_private=radar.settings.allow_private_providers)
        return check_url(base_url)
    except Inside as error:
        raise HTTPException(422, str(error)) from None


def _shown(provider: Provider) -> ProviderShown:
    fields: dict[str, Any] = {
        name: getattr(provider, name) for name in ProviderShown.model_fields if name != "has_key"
    }
    return ProviderShown(**fields, has_key=provider.secret is not None)
