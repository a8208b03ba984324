"""What can be imported from `pulse_radar`, and nothing else, is public."""

import re

import pytest

import pulse_radar
from pulse_radar import errors, jobs
from pulse_radar.jobs import errors as job_errors
from pulse_radar.jobs.events import JOB_EVENTS

DOCUMENTED = {
    "Event",
    "Position",
    "Publisher",
    "Pulse",
    "Settings",
    "SyncPublisher",
    "bearer_token",
    "key_of",
}
# What a Pulse answers with.
ANSWERS = {"ClientStats", "LogTopic", "RunnerStats", "StateTopic", "TopicSpec"}
# `connect`, what it takes, and what comes out of it.
CLIENT = {
    "connect",
    "Token",
    "Events",
    "Received",
    "EventFrame",
    "GapFrame",
    "GapReason",
    "SnapshotFrame",
    "Subscribed",
}


def test_the_package_exports_the_facade_the_publishers_the_client_and_the_errors() -> None:
    assert set(pulse_radar.__all__) == DOCUMENTED | ANSWERS | CLIENT | set(errors.__all__)
    for name in pulse_radar.__all__:
        assert hasattr(pulse_radar, name)


def test_whatever_jobs_export_is_there_and_says_what_it_is() -> None:
    for name in jobs.__all__:
        assert getattr(jobs, name).__doc__, name
    assert set(jobs.__all__) >= {event.__name__ for event in JOB_EVENTS} | set(job_errors.__all__)
    with pytest.raises(AttributeError):
        _ = jobs.Nothing


def test_every_error_is_ours_and_says_what_it_is() -> None:
    for name in errors.__all__:
        error = getattr(errors, name)
        assert issubclass(error, pulse_radar.PulseError)
        assert error.__doc__


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    _, _, tree = (errors.__doc__ or "").partition("\n\n")
    drawn = dict[str, str]()
    above = list[str]()
    for depth, name in re.findall(r"^((?:[│ ]   )*(?:[├└]── )?)([A-Z]\w+)", tree, re.MULTILINE):
        del above[len(depth) // 4 :]
        drawn[name] = above[-1] if above else "Exception"
        above.append(name)
    assert drawn == {name: getattr(errors, name).__bases__[0].__name__ for name in errors.__all__}
