"""Links: which words are addresses, and which addresses are the same."""

import pytest

from pulse_radar.radar.knowledge import Atom, extract
from pulse_radar.radar.telegram import Entity
from tests.radar.knowledge.messages import message


def links(text: str, *entities: Entity, number: int = 3) -> list[Atom]:
    found = extract([message(text, entities=entities, id=number)])
    return [atom for atom in found if atom.kind == "link"]


def urls(text: str, *entities: Entity) -> list[str | None]:
    return [atom.url for atom in links(text, *entities)]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see https://example.org/a?b=1, please", "https://example.org/a?b=1"),
        ("(www.example.org/bar_(baz))", "http://www.example.org/bar_(baz)"),
        ("наш сайт — кофе-дома.рф", "http://кофе-дома.рф"),
        ("سایت: example.ir/قیمت؟", "http://example.ir/قیمت"),
        ("网址在这里：https://example.cn/页面。", "https://example.cn/页面"),
        ("slides on janedoe.design", "http://janedoe.design"),
        ("see www.task.run or so", "http://www.task.run"),
        ("task.run/docs has it", "http://task.run/docs"),
        ("https://task.run has it", "https://task.run"),
        ("HTTPS://EXAMPLE.ORG", "https://EXAMPLE.ORG"),
    ],
)
def test_an_address_is_found_in_any_script_and_without_a_scheme(text: str, url: str) -> None:
    assert [(found or "").lower() for found in urls(text)] == [url.lower()]


@pytest.mark.parametrize(
    "text",
    [
        "edit main.py and README.md", "version 1.2.3", "mail ann@example.org", "e.g. this", "он сказал.Потом ушёл",
        "javascript:alert(1)", "ftp://example.org/x", "http://", "https://[::1", "file:///etc/passwd",
        "mailto:a@example.org", "call task.run and then user.name()", "Task.Run hangs",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    assert urls(text) == []


def test_a_hidden_link_counts_and_a_dangerous_one_does_not() -> None:
    good = Entity("text_link", "design document", "https://wiki.example.org/design")
    bad = Entity("text_link", "click", "javascript://x.example.org/%0aalert(1)")
    assert urls("Here is the design document", good, bad) == ["https://wiki.example.org/design"]


@pytest.mark.parametrize(
    "address",
    [
        "http://javascript:alert(1)",
        "http://data:text/html,x",
        "https://exa mple.com",
        "http:////evil.com",
        "http://:80/",
    ],
)
def test_a_hidden_link_that_names_no_host_is_none(address: str) -> None:
    assert urls("click", Entity("text_link", "click", address)) == []


def test_a_link_that_is_marked_and_written_is_one() -> None:
    marked = Entity("link", "example.org/a")
    assert len(urls("example.org/a", marked)) == 1


def test_the_same_address_is_one_atom_of_its_chat_whoever_shares_it() -> None:
    first, second = "https://www.example.org/a/?utm_source=x", "look: http://example.org/a"
    (atom,) = extract([message(first, id=1), message(second, id=2), message(second, id=2)])
    assert atom.message_ids == ("1", "2")
    assert atom.id == links(second)[0].id


def test_different_addresses_are_different_atoms() -> None:
    texts = ("https://example.org/a?page=1", "https://example.org/a?page=2", "https://example.org/a#2")
    assert len({links(text)[0].id for text in texts}) == 3
