"""Every route of the application, asked for whatever its OpenAPI document allows and for what it does not."""

import functools
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from pulse_radar.radar.app import create_app
from pulse_radar.settings import Settings
from tests.fuzz.served import PATIENCE, Served, served

# A stream of events has no end to wait for; the page is no route with a document.
_LEFT_OUT: Final = ["/events"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("radar")
    app = create_app(Settings.load(broker="memory://", data_dir=directory))
    with served(app) as server:
        yield server


@functools.cache
def requests_to(port: int) -> st.SearchStrategy[Any]:
    """One request of any operation, as the document describes it, or broken in one place."""
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json").exclude(path=_LEFT_OUT)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 20
    modes = schemathesis.GenerationMode
    return st.sampled_from(operations).flatmap(
        lambda operation: st.one_of(
            operation.as_strategy(generation_mode=modes.POSITIVE),
            operation.as_strategy(generation_mode=modes.NEGATIVE),
        )
    )


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data())
def test_no_request_brings_out_an_error_of_ours(server: Served, data: st.DataObject) -> None:
    case = data.draw(requests_to(server.port))
    answer = case.call(timeout=PATIENCE)
    if answer.status_code not in (501, 503):
        case.validate_response(
            answer, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
        )
    server.check()
