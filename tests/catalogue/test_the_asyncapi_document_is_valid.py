"""The AsyncAPI document, read by the official parser."""

import json
from pathlib import Path

import pytest

from pulse_radar.catalogue.asyncapi import read_asyncapi, to_asyncapi
from pulse_radar.catalogue.declared import NotGenerated, catalogue_of
from pulse_radar.client.address import Address
from tests.catalogue.shop import pulse
from tests.node import asyncapi_problems


def document() -> dict[str, object]:
    return to_asyncapi(
        catalogue_of(pulse.topics, pulse.events),
        title="A shop",
        version="1.2.3",
        server=Address.parse("https://shop.example.org/live/ws"),
    )


def test_the_official_parser_finds_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "asyncapi.json"
    path.write_text(json.dumps(document()))
    assert asyncapi_problems(path) == ""
    path.write_text(json.dumps({**document(), "channels": {"orders": {"messages": 7}}}))
    assert "messages" in asyncapi_problems(path)


def test_it_says_where_what_and_how_events_come() -> None:
    found = json.loads(json.dumps(document()))
    assert found["servers"]["pulse"] == {
        "host": "shop.example.org",
        "pathname": "/live/ws",
        "protocol": "wss",
    }
    payload = found["channels"]["orders"]["messages"]["order_placed"]["payload"]
    assert payload["properties"]["topic"] == {"const": "orders"}
    assert payload["properties"]["event"] == {"const": "order_placed"}
    assert payload["properties"]["data"] == {"$ref": "#/components/schemas/OrderPlaced"}
    assert (
        found["channels"]["loads"]["messages"]["load.measured"]["description"] == "Its key is the field host."
    )
    assert "deleted" in found["channels"]["loads"]["messages"]["load.measured"]["payload"]["properties"]
    assert list(found["operations"]) == ["send.orders", "send.loads", "send.free-text"]


def test_what_it_was_made_from_is_read_back_from_it() -> None:
    assert read_asyncapi(json.dumps(document(), indent=2)) == catalogue_of(pulse.topics, pulse.events)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"channels": {"a": {"messages": []}}}'])
def test_what_we_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(NotGenerated):
        read_asyncapi(text)
