"""GET /metrics after real traffic: each number is what happened, and every name that people are told of is there."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from pulse_radar import BrokerUnavailable, SequenceConflict
from pulse_radar.hub.inputs import Arrived
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Gap
from pulse_radar.testing.nats_server import NatsServer
from tests.prometheus.scrape import TOKEN, Scrape, running, scrape
from tests.server.serving import Client, app_with, asking, make_pulse, serving
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "prometheus"

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is in Debian's package `prometheus`")


async def test_deliveries_replays_bytes_and_gaps_are_counted_by_topic() -> None:
    async with running() as (pulse, server, http), Client(server.port, "?topics=knowledge") as live:
        await live.until("subscription")
        places = [await pulse.publish("knowledge", "atom_created", {"n": n}) for n in range(5)]
        frames = await live.take(5)
        late = f"?topics=knowledge,messages&lastSeq=knowledge:{places[1].sequence},messages:1"
        async with Client(server.port, late) as behind:
            await behind.until("gap")
            await behind.until("subscription")
            figures = await scrape(http)
    assert figures("pulse_connections") == 2
    assert figures("pulse_subscriptions", topic="knowledge", state="live") == 2
    assert figures("pulse_subscriptions", topic="knowledge", state="catching_up") == 0
    assert figures("pulse_deliveries_total", topic="knowledge") == 5
    assert figures("pulse_deliveries_total", topic="messages") == 0
    assert figures("pulse_replays_total", topic="knowledge") == 3
    sizes = [len(json.dumps(frame, separators=(",", ":"))) for frame in frames]
    assert figures("pulse_event_bytes_total", topic="knowledge") == sum(sizes) + sum(sizes[2:])
    assert figures("pulse_gaps_total", topic="messages", reason="reset") == 1
    assert figures("pulse_gaps_total", topic="knowledge", reason="expired") == 0
    assert figures("pulse_tail_lag_events", topic="knowledge") == 0
    assert figures("pulse_delivery_lag_seconds_count", topic="knowledge") == 5
    assert 0 <= figures("pulse_delivery_lag_seconds_sum", topic="knowledge") < 60


async def test_publishes_are_timed_and_those_that_raise_are_named() -> None:
    async with running(outbox_limit=50) as (pulse, _, http):
        for _ in range(3):
            await pulse.publish("knowledge", "atom_created")
        with pytest.raises(SequenceConflict):
            await pulse.publish("knowledge", "atom_created", {}, key="a", expect_last=7)
        figures = await scrape(http)
    assert figures("pulse_publish_seconds_count", topic="knowledge") == 3
    assert figures("pulse_publish_seconds_bucket", topic="knowledge", le="+Inf") == 3
    assert 0 < figures("pulse_publish_seconds_sum", topic="knowledge") < 30
    assert figures("pulse_publish_failures_total", topic="knowledge", reason="sequence_conflict") == 1
    assert figures("pulse_publish_failures_total", topic="knowledge", reason="outbox_full") == 0
    assert (figures("pulse_publish_waiting"), figures("pulse_publish_limit")) == (0, 50)


async def test_whoever_is_ended_is_counted_by_why_and_heartbeats_are_measured() -> None:
    async with running(ping_interval=0.1, pong_timeout=30.0) as (pulse, server, http):
        async with Client(server.port) as client:
            await client.until("ping")
            await client.say(action="pong")
            await eventually(lambda: sum(pulse.stats().hub.heartbeats.counts) == 1)
            await client.say(action=7)
            await client.closed()
        async with Client(server.port) as client:
            greeting = await client.next()
            assert pulse.evict(greeting["data"]["connectionId"])
            await client.closed()
        figures = await scrape(http)
    assert figures("pulse_evictions_total", reason="malformed") == 1
    assert figures("pulse_evictions_total", reason="evicted") == 1
    assert figures("pulse_evictions_total", reason="slow_consumer") == 0
    assert figures("pulse_evictions_total", reason="heartbeat_timeout") == 0
    assert figures("pulse_heartbeat_seconds_count") == 1


async def test_a_topic_that_is_not_whole_is_seen_and_the_others_are_not() -> None:
    pulse = make_pulse(metrics_token=TOKEN)
    pulse.topic("jobs", kind="state")
    async with serving(app_with(pulse)) as server, asking(server.port) as http:
        await eventually(lambda: not pulse.stats().hub.behind)
        assert (await scrape(http))("pulse_topic_behind", topic="jobs") == 0
        # It began anew at a low number, and the broker says that there is much behind it, which never comes.
        pulse._runner().tell(Arrived("jobs", (Gap(None, 5, GapReason.RESET),)))
        figures = await scrape(http)
    assert figures("pulse_topic_behind", topic="jobs") == 1
    assert figures("pulse_topic_behind", topic="knowledge") == 0


async def test_whoever_finds_no_place_is_counted_by_the_bound() -> None:
    async with running(max_connections=1) as (_, server, http), Client(server.port) as client:
        await client.next()
        with pytest.raises(InvalidStatus):
            async with Client(server.port):
                pass
        figures = await scrape(http)
    assert (figures("pulse_connections"), figures("pulse_connections_limit")) == (1, 1)
    assert figures("pulse_connections_refused_total", reason="process") == 1
    assert figures("pulse_connections_refused_total", reason="address") == 0
    assert figures("pulse_sockets_given_up_total", reason="silent") >= 0


async def test_a_broker_that_is_away_is_seen_and_what_waits_for_it_too(tmp_path: Path) -> None:
    async with (
        NatsServer(tmp_path) as broker,
        running(broker=broker.url, publish_deadline=1.0) as (pulse, _, http),
    ):
        place = await pulse.publish("knowledge", "atom_created")
        await eventually(lambda: pulse.position("knowledge") == place)
        figures = await scrape(http)
        assert figures("pulse_broker_connected") == 1
        assert figures("pulse_tail_lag_events", topic="knowledge") == 0
        assert figures("pulse_delivery_seconds_count") >= 1
        await broker.kill()
        await eventually(lambda: not pulse.stats().is_broker_connected)
        waiting = asyncio.create_task(pulse.publish("knowledge", "atom_created"))
        await eventually(lambda: pulse.publishing().waiting == 1)
        figures = await scrape(http)
        assert (figures("pulse_broker_connected"), figures("pulse_publish_waiting")) == (0, 1)
        with pytest.raises(BrokerUnavailable):
            await waiting
        figures = await scrape(http)
        assert figures("pulse_publish_retries_total") >= 1
        assert figures("pulse_publish_failures_total", topic="knowledge", reason="broker_unavailable") == 1
        age = figures("pulse_delivery_age_seconds")
        await asyncio.sleep(0)
        assert (await scrape(http))("pulse_delivery_age_seconds") > age


async def test_what_the_broker_has_and_the_process_has_not_handed_on_is_its_lag(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with NatsServer(tmp_path) as broker, running(broker=broker.url) as (pulse, _, http):
        place = await pulse.publish("knowledge", "atom_created")
        await eventually(lambda: pulse.position("knowledge") == place)
        # What the tail brings waits here, as it does behind readers that take their time.
        hurry = asyncio.Event()
        sessions = pulse._runner()._sessions
        monkeypatch.setattr(pulse._runner()._intake, "_breathe", hurry.wait)
        for _ in range(6):
            await pulse.publish("knowledge", "atom_created", {"x": "y" * 60_000})
        await eventually(lambda: pulse.stats().lag["knowledge"] > 0)
        figures = await scrape(http)
        assert 1 <= figures("pulse_tail_lag_events", topic="knowledge") <= 5
        monkeypatch.setattr(pulse._runner()._intake, "_breathe", sessions.breathe)
        hurry.set()
        await eventually(lambda: pulse.stats().lag["knowledge"] == 0)


def named_in_files() -> dict[str, str]:
    """Every expression in the dashboard and in the alerts, by where it is."""
    board = json.loads((EXAMPLES / "dashboard.json").read_text())
    shown = {
        f"{panel['title']} ({target['refId']})": target["expr"]
        for panel in board["panels"]
        for target in panel.get("targets", ())
    }
    chosen = {
        one["name"]: one["query"]["query"]
        for one in board["templating"]["list"]
        if "query" in str(one["query"])
    }
    alerts = (EXAMPLES / "alerts.yml").read_text()
    rules = dict(re.findall(r"- alert: (\w+)\n +expr: (.+)\n", alerts))
    assert len(rules) == alerts.count("- alert:")
    return shown | chosen | rules


async def test_every_name_in_dashboard_alerts_and_docs_is_in_a_real_scrape() -> None:
    async with running() as (pulse, _, http):
        await pulse.publish("knowledge", "atom_created")
        await eventually(lambda: pulse.stats().delivery_age_seconds is not None)
        figures = await scrape(http)
    told = named_in_files() | {"OPERATIONS.md": (ROOT / "docs" / "OPERATIONS.md").read_text()}
    names = {name: where for where, text in told.items() for name in metrics_in(text)}
    assert len(names) > 30
    unknown = {name: where for name, where in names.items() if name not in figures.names}
    assert not unknown
    assert figures.names - names.keys() <= spared(figures), "a figure that nobody is told of"


def metrics_in(text: str) -> list[str]:
    # Of Prometheus's own it needs no telling; the module is no figure.
    return re.findall(r"(?<![\w./-])(?:pulse|process)_(?!radar)[a-z_]+[a-z](?![\w{}]*\()", text)


def spared(figures: Scrape) -> set[str]:
    """What goes without saying: the parts of histograms, and what is told of any process."""
    return {
        name
        for name in figures.names
        if name.startswith("process_") or re.search("_(sum|count|bucket)$", name)
    }


async def test_no_label_grows_with_users_or_keys() -> None:
    async with running() as (pulse, server, http), Client(server.port, "?topics=knowledge/k1") as client:
        await client.until("subscription")
        await pulse.publish("knowledge", "atom_created", {}, key="k1")
        figures = await scrape(http)
    assert figures.labels == {"broker", "version", "topic", "state", "reason", "hook", "le"}


@needs_promtool
def test_alerts_fire_on_what_they_are_for_and_on_nothing_usual() -> None:
    done = promtool("test", "rules", str(Path(__file__).parent / "alerts_fire.yml"))
    assert done.returncode == 0, done.stdout


@needs_promtool
def test_what_the_dashboard_asks_is_understood(tmp_path: Path) -> None:
    asked = [text for text in named_in_files().values() if not text.startswith("label_values")]
    rules = [
        {"record": f"shown:{number}", "expr": text.replace("$__rate_interval", "1m")}
        for number, text in enumerate(asked)
    ]
    # JSON is YAML.
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", str(tmp_path / "rules.yml"))
    assert done.returncode == 0, done.stderr


@needs_promtool
def test_the_scrape_configuration_is_one(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "metrics-token").touch()
    done = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=60, check=False)
