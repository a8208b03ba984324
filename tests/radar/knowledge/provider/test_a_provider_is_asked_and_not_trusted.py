"""Extraction by a provider, over real sockets: what it answers well is used, and whatever else comes falls back."""

import logging
from typing import Any

import pytest
from pydantic import SecretStr

from pulse_radar.errors import PulseError
from pulse_radar.radar.knowledge import extract
from pulse_radar.radar.knowledge.provider import ProviderAccess, ProviderLimits, TokenBudget, open_provider
from pulse_radar.radar.telegram import Kind, Poll, TelegramMessage
from tests.radar.knowledge.messages import message
from tests.radar.knowledge.provider.local_provider import (
    KEY,
    Reply,
    completion,
    extractor_at,
    http,
    local_provider,
)

TASK = "@tom please restore the backup by Friday"


def tasks(count: int) -> list[TelegramMessage]:
    return [message(TASK, id=number) for number in range(1, count + 1)]


def one(number: int = 0, kind: str = "claim", confidence: float = 0.75) -> dict[str, Any]:
    return {"message": number, "kind": kind, "title": "The moon is far", "confidence": confidence}


def content(text: str) -> bytes:
    return http(200, b'{"choices":[{"message":{"content":"' + text.replace('"', '\\"').encode() + b'"}}]}')


async def test_what_it_finds_becomes_atoms_with_ids_as_ever() -> None:
    async with (
        local_provider(lambda _: completion(one(1), one(1), one(0, "decision"))) as provider,
        extractor_at(provider) as extractor,
    ):
        extraction = await extractor.extract(tasks(2))
    assert [(a.id, a.kind, a.title, a.confidence) for a in extraction.atoms] == [
        ("telegram:7:1:decision:1", "decision", "The moon is far", 0.75),
        ("telegram:7:2:claim:1", "claim", "The moon is far", 0.75),
        ("telegram:7:2:claim:2", "claim", "The moon is far", 0.75),
    ]
    assert extraction.atoms[0].text == TASK
    assert extraction.fallbacks == []


async def test_it_is_asked_with_the_key_in_the_language_of_openai() -> None:
    async with local_provider(lambda _: completion()) as provider, extractor_at(provider) as extractor:
        await extractor.extract([message("привет, мир")])
    assert provider.headers[0].startswith("POST /v1/chat/completions HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}" in provider.headers[0].lower()
    assert "host: provider.example:" in provider.headers[0].lower()
    (question,) = provider.questions
    assert question["model"] == "small"
    assert question["response_format"]["json_schema"]["strict"] is True
    assert "привет, мир" in question["messages"][1]["content"]


async def test_links_polls_and_what_nobody_wrote_are_not_asked_about() -> None:
    asked: list[str] = []

    def reply(texts: list[str]) -> bytes:
        asked.extend(texts)
        return completion()

    messages = [
        message("see https://example.org/a", id=1),
        message(id=2, poll=Poll("Where do we meet?")),
        message("left the group", id=3, kind=Kind.SERVICE),
        message("", id=4),
    ]
    async with local_provider(reply) as provider, extractor_at(provider) as extractor:
        extraction = await extractor.extract(messages)
    assert asked == ["see https://example.org/a"]
    assert [atom.kind for atom in extraction.atoms] == ["link", "question"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (lambda _: http(200, b"<html>"), "no chat completion"),
        (lambda _: http(200, b'{"choices": []}'), "no chat completion"),
        (lambda _: content("no JSON"), "not the JSON"),
        (lambda _: completion(one(kind="joke")), "not the JSON"),
        (lambda _: completion(one(confidence=7)), "not the JSON"),
        (lambda _: completion(one(number=3)), "not in the question"),
        (lambda _: completion(finish_reason="length"), "too long"),
        (lambda _: http(200, b'{"choices":[{"message":{"content":null}}]}'), "refused"),
        (lambda _: http(401, KEY.encode()), "status 401"),
        (lambda _: http(307, b"", "location: http://127.0.0.1:1/"), "status 307"),
        (lambda _: completion()[:60] + b"<cut>", "lost"),
        (lambda _: 0.0, "lost"),
        (lambda _: http(200, b"\x1f\x8b", "content-encoding: gzip"), "lost"),
        (lambda _: http(200, b" " * 5_000_000), "lost"),
    ],
)  # fmt: skip
async def test_an_answer_that_is_no_good_leaves_the_messages_to_the_default_extraction(
    reply: Reply, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with local_provider(reply) as provider, extractor_at(provider) as extractor:
        extraction = await extractor.extract(tasks(2))
    assert extraction.atoms == extract(tasks(2))
    (fallback,) = extraction.fallbacks
    assert (fallback.messages, len(provider.questions)) == (2, 1)
    assert reason in fallback.reason
    assert reason in caplog.text


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_passes_is_tried_again(status: int) -> None:
    unwell = http(status, b"{}", "retry-after: 0")
    async with (
        local_provider(lambda _: unwell, lambda _: completion(one())) as provider,
        extractor_at(provider) as extractor,
    ):
        extraction = await extractor.extract(tasks(1))
    assert extraction.fallbacks == []
    assert [atom.kind for atom in extraction.atoms] == ["claim"]
    assert len(provider.questions) == 2


async def test_what_does_not_pass_ends_after_its_attempts() -> None:
    async with (
        local_provider(lambda _: http(500)) as provider,
        extractor_at(provider, attempts=2) as extractor,
    ):
        extraction = await extractor.extract(tasks(1))
    assert extraction.fallbacks[0].reason == "it answered with status 500"
    assert len(provider.questions) == 2


async def test_a_slow_provider_is_not_waited_for() -> None:
    async with (
        local_provider(lambda _: 30.0) as provider,
        extractor_at(provider, seconds_per_batch=0.3) as extractor,
    ):
        extraction = await extractor.extract(tasks(1))
    assert "within 0.3 s" in extraction.fallbacks[0].reason
    assert extraction.atoms == extract(tasks(1))


async def test_one_bad_answer_among_good_ones_costs_only_its_own_messages() -> None:
    def reply(texts: list[str]) -> bytes:
        return http(400) if "bad" in texts[0] else completion(one())

    messages = [message("good", id=1), message(f"bad: {TASK}", id=2), message("good", id=3)]
    async with local_provider(reply) as provider, extractor_at(provider, messages_per_request=1) as extractor:
        extraction = await extractor.extract(messages)
    assert [(atom.message_ids[0], atom.kind) for atom in extraction.atoms] == [
        ("1", "claim"),
        ("2", "task"),
        ("3", "claim"),
    ]
    assert [fallback.messages for fallback in extraction.fallbacks] == [1]


async def test_no_more_are_asked_at_once_than_allowed() -> None:
    async with (
        local_provider(lambda _: completion()) as provider,
        extractor_at(provider, messages_per_request=1, requests_at_once=3) as extractor,
    ):
        await extractor.extract(tasks(12))
    assert len(provider.questions) == 12
    assert provider.most_at_once == 3


async def test_nothing_is_asked_once_the_tokens_are_spent() -> None:
    async with (
        local_provider(lambda _: completion(one(), tokens=3_000)) as provider,
        extractor_at(
            provider, messages_per_request=1, requests_at_once=1, tokens=6_000, answer_tokens=100
        ) as extractor,
    ):
        extraction = await extractor.extract(tasks(5))
    assert len(provider.questions) == 2
    assert [fallback.reason for fallback in extraction.fallbacks] == [
        "the tokens that it may cost are spent"
    ] * 3
    assert len(extraction.atoms) == 5


async def test_a_lost_answer_counts_as_the_dearest_and_is_not_asked_for_again() -> None:
    budget = TokenBudget(10_000)
    async with local_provider(lambda _: 0.0) as provider:

        async def resolve(_: str) -> list[str]:
            return ["127.0.0.1"]

        access = ProviderAccess(base_url=provider.url, model="small")
        limits = ProviderLimits(answer_tokens=500)
        async with open_provider(access, resolve=resolve, limits=limits, budget=budget) as extractor:
            await extractor.extract(tasks(1))
    assert len(provider.questions) == 1
    assert budget.spent > 500


class Forbidden(PulseError):
    pass


async def test_a_provider_in_a_forbidden_place_is_never_connected_to() -> None:
    async with local_provider(lambda _: completion(one())) as provider:

        async def resolve(_: str) -> list[str]:
            raise Forbidden("127.0.0.1 is no public address")

        access = ProviderAccess(base_url=provider.url, model="small", key=SecretStr(KEY))
        async with open_provider(access, resolve=resolve) as extractor:
            extraction = await extractor.extract(tasks(1))
    assert provider.headers == []
    assert extraction.fallbacks[0].reason == "127.0.0.1 is no public address"


async def test_the_second_address_is_tried_where_the_first_is_deaf() -> None:
    async with local_provider(lambda _: completion(one())) as provider:

        async def resolve(_: str) -> list[str]:
            return ["127.0.0.2", "127.0.0.1"]  # the server listens at the latter only

        access = ProviderAccess(base_url=provider.url, model="small")
        async with open_provider(access, resolve=resolve) as extractor:
            extraction = await extractor.extract(tasks(1))
    assert extraction.fallbacks == []


async def test_the_key_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    leaks = http(401, f'{{"error": "incorrect key {KEY}"}}'.encode())
    async with local_provider(lambda _: leaks) as provider, extractor_at(provider) as extractor:
        extraction = await extractor.extract(tasks(1))
        shown = f"{extractor!r} {vars(extractor)} {extraction}"
    assert "status 401" in caplog.text
    assert KEY not in shown + caplog.text
