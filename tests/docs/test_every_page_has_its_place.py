"""The documentation site, as far as it is seen without building it: its pages, its links, and what it would fetch."""

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.node import reference_problems

ROOT = Path(__file__).parents[2]
SITE = runpy.run_path(str(ROOT / "scripts" / "site.py"))
ALONE = runpy.run_path(str(ROOT / "scripts" / "alone.py"))

# Written by `make docs`, from sources in TypeScript.
OF_TYPESCRIPT = "reference/typescript/"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the site is built of; every link leads somewhere, or this fails and says which."""
    target = tmp_path_factory.mktemp("pages")
    SITE["gather"](target)
    return target


def places(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [place for item in (nav.values() if isinstance(nav, dict) else nav) for place in places(item)]


def test_the_menu_names_every_page_once(pages: Path) -> None:
    named = places(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"])
    there = {page.relative_to(pages).as_posix() for page in pages.rglob("*.md")}
    assert len(named) == len(set(named))
    assert {place for place in named if not place.startswith(OF_TYPESCRIPT)} == {
        place for place in there if not place.startswith("files/")
    }


def test_whatever_can_be_imported_is_in_the_reference(pages: Path) -> None:
    reference = (pages / "reference" / "python.md").read_text()
    assert "::: pulse_radar.pulse.Pulse\n" in reference
    assert "::: pulse_radar.auth.tokens.Jwt\n" in reference
    assert "::: pulse_radar.jobs.taskiq.PulseMiddleware\n" in reference


def test_all_that_the_typescript_client_exports_is_in_its_reference(tmp_path: Path) -> None:
    assert reference_problems(tmp_path) == ""
    assert "bindQueryClient" in (tmp_path / "react.md").read_text()


def test_what_is_linked_and_is_no_page_becomes_one(pages: Path) -> None:
    assert "proxy_pass" in (pages / "files" / "examples" / "deploy.md").read_text()
    assert "](../files/examples/deploy.md)" in (pages / "guides" / "nginx.md").read_text()


def test_a_test_in_a_table_is_a_sentence_and_its_path_is_a_title(pages: Path) -> None:
    security = (pages / "SECURITY.md").read_text()
    assert (
        'title="tests/server/test_nobody_holds_a_socket_for_nothing.py::test_a_head_that_drips_is_told_so">'
        "A head that drips is told so</span>"
    ) in security
    assert ".py::test_" not in re.sub(r'title="[^"]*"', "", security)


def test_a_long_name_in_a_table_breaks_between_its_words(pages: Path) -> None:
    operations = (pages / "OPERATIONS.md").read_text()
    assert "<code>PULSE&#95;<wbr>MAX&#95;<wbr>CONNECTIONS</code>" in operations
    assert (
        "<code>localhost&#44;<wbr>127&#46;0&#46;0&#46;1&#44;<wbr>&#91;&#58;&#58;1&#93;</code>" in operations
    )


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SITE["LeadsNowhere"]):
        SITE["_place_of"](ROOT / "docs" / "index.md", "nothing.md", tmp_path)


@pytest.mark.parametrize(
    ("text", "is_fetched"),
    [
        ('<script src="https://elsewhere.example/a.js"></script>', True),
        ("<link rel=stylesheet href=//elsewhere.example/a.css>", True),
        ('<img alt="" src="https://elsewhere.example/a.png">', True),
        ("<style>@import 'https://elsewhere.example/a.css'</style>", True),
        ('<a href="https://elsewhere.example/">read on</a>', False),
        ('<link rel="canonical" href="https://elsewhere.example/">', False),
        ('<script src="assets/a.js"></script>', False),
    ],
)
def test_what_a_page_would_fetch_from_elsewhere_is_found(tmp_path: Path, text: str, is_fetched: bool) -> None:
    (tmp_path / "page.html").write_text(text)
    assert bool(list(ALONE["fetched"](tmp_path))) is is_fetched
