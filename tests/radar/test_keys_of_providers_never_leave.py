"""A provider's key comes in: no answer, event, log or, with a key of ours, file of the database has it."""

import logging
import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select

from pulse_radar.errors import InvalidSetting
from pulse_radar.radar import outside
from pulse_radar.radar.outside import Inside, addresses_of
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Provider, open_store
from pulse_radar.radar.vault import CannotOpen, Vault
from pulse_radar.settings import Settings
from tests.radar.api import announced, application

KEY = "sk-4f1e0c7d-never-to-be-seen"
PUBLIC = "http://93.184.215.14/v1"


async def kept(directory: Path) -> list[str | None]:
    opening = open_store(Settings.load(data_dir=directory), RadarSettings.load())
    async with opening as store, store.reading() as session:
        return list(await session.scalars(select(Provider.secret)))


def holding(directory: Path, text: str) -> list[Path]:
    """The files that have this text in them."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


async def test_no_answer_event_log_or_file_has_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret_key = Fernet.generate_key().decode()
    monkeypatch.setenv("PULSE_SECRET_KEY", secret_key)
    caplog.set_level(logging.DEBUG)
    said = []
    async with application(tmp_path) as (app, client):
        body = {"name": "Own", "base_url": PUBLIC, "api_key": KEY}
        created = await client.post("/providers", json=body)
        place = f"/providers/{created.json()['id']}"
        said += [created, await client.patch(place, json={"name": "Other", "api_key": KEY + "2"})]
        said += [await client.get(place), await client.get("/providers")]
        # What is wrong is told without what was sent.
        said += [await client.post("/providers", json=body | {"api_key": [KEY]})]
        said += [await client.post("/providers", json=body | {"key": KEY})]
        said += [await client.post("/providers", json=body | {"api_key": KEY * 100})]
        said += [await client.post("/providers", content=f'{{"api_key": "{KEY}"')]
        events = await announced(app, "providers", 2)
    assert [response.status_code for response in said] == [201, 200, 200, 200, 422, 422, 422, 422]
    assert created.json()["has_key"] is True
    everything = "\n".join([*(response.text for response in said), repr(events), caplog.text])
    assert KEY not in everything
    assert holding(tmp_path, KEY) == []
    [secret] = await kept(tmp_path)
    assert Vault(SecretStr(secret_key)).open(secret or "").get_secret_value() == KEY + "2"


async def test_a_changed_address_drops_the_key(tmp_path: Path) -> None:
    async with application(tmp_path) as (_, client):
        created = (
            await client.post("/providers", json={"name": "a", "base_url": PUBLIC, "api_key": KEY})
        ).json()
        place = f"/providers/{created['id']}"
        assert (await client.patch(place, json={"base_url": PUBLIC + "/"})).json()["has_key"] is True
        assert (await client.patch(place, json={"base_url": PUBLIC + "2"})).json()["has_key"] is False
        both = {"base_url": PUBLIC, "api_key": KEY}
        assert (await client.patch(place, json=both)).json()["has_key"] is True
        assert (await client.patch(place, json={"api_key": None})).json()["has_key"] is False


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.7",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "2130706433",
        "[fec0::1]",
        "[64:ff9b:1::7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "192.0.0.8",
    ],
)
async def test_addresses_inside_are_refused(host: str) -> None:
    with pytest.raises(Inside):
        await addresses_of(f"http://{host}/v1", allow_private=False)


async def test_an_address_inside_is_taken_where_that_is_meant() -> None:
    assert await addresses_of("http://127.0.0.1:11434/v1", allow_private=True) == ["127.0.0.1"]
    for public in ("93.184.215.14", "2606:4700::6810:85e5", "64:ff9b::5db8:d70e"):
        host = f"[{public}]" if ":" in public else public
        assert await addresses_of(f"https://{host}/v1", allow_private=False) == [public]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "https://",
        "https://user:pw@example.com",
        "https://example.com/?a=b",
        "x",
        "http://[::1",
        "http://1.1.1.1/\r\nX: y",
        "http://1.1.1.1/\u202e",
        "http://a\0b/",
        "http://a..b",
        "http://.",
        f"http://{'a' * 70}.com",
    ],
)
async def test_what_is_no_base_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Inside) as refused:
        await addresses_of(url, allow_private=True)
    assert "pw" not in str(refused.value)


async def test_a_key_is_what_a_header_can_carry(tmp_path: Path) -> None:
    async with application(tmp_path) as (_, client):
        for key in ("ключ", "a b", "a\0b", "\\ud800"):
            body = f'{{"name": "a", "base_url": "{PUBLIC}", "api_key": "{key}"}}'.replace("\0", "\\u0000")
            refused = await client.post("/providers", content=body)
            assert refused.status_code == 422
            assert key not in refused.text
        pasted = {"name": "a", "base_url": PUBLIC, "api_key": f" {KEY}\n"}
        assert (await client.post("/providers", json=pasted)).json()["has_key"] is True
        nothing = {"name": "b", "base_url": PUBLIC, "api_key": ""}
        assert (await client.post("/providers", json=nothing)).json()["has_key"] is False
    # Without a key of ours it is as it was entered.
    assert await kept(tmp_path) == [f"plain:{KEY}", None]


async def test_a_database_that_fails_does_not_say_what_was_to_be_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with application(tmp_path) as (_, client):
        with sqlite3.connect(tmp_path / "radar.db") as database:
            database.execute("ALTER TABLE providers RENAME TO gone")
        database.close()
        new = {"name": "a", "base_url": PUBLIC, "api_key": KEY}
        answer = await client.post("/providers", json=new)
    assert answer.status_code == 503
    assert "INSERT INTO providers" in caplog.text
    assert KEY not in caplog.text + answer.text


async def test_a_name_that_means_one_address_inside_is_refused_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert outside._is_outside("93.184.215.14")
    monkeypatch.setattr(outside, "_is_outside", lambda address: address != "127.0.0.1")
    with pytest.raises(Inside, match="no public address"):
        await addresses_of("http://127.0.0.1/", allow_private=False)


def test_keys_of_ours_are_changed_without_entering_those_of_providers_anew() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = Vault(SecretStr(old)).seal(SecretStr(KEY))
    assert KEY not in sealed
    assert Vault(SecretStr(f"{new}, {old}")).open(sealed).get_secret_value() == KEY
    with pytest.raises(CannotOpen):
        Vault(SecretStr(new)).open(sealed)
    with pytest.raises(CannotOpen):
        Vault(None).open(sealed)
    with pytest.raises(InvalidSetting) as wrong:
        Vault(SecretStr("too short"))
    assert "too short" not in str(wrong.value)


def test_without_a_key_of_ours_it_is_kept_as_it_is_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    sealed = Vault(None).seal(SecretStr(KEY))
    assert Vault(None).open(sealed).get_secret_value() == KEY
    assert "PULSE_SECRET_KEY" in caplog.text
    assert KEY not in caplog.text
