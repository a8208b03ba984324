"""The pages of the documentation site, gathered where they are: python scripts/site.py build/pages.

Links in docs/ are those of the repository, and lead out of it to READMEs, examples and vectors. Here each page gets its
place, what is linked and is no page becomes one, and a link that leads nowhere is an error. Long names in tables, which
GitHub gives the room that they need, are made to fit. `make docs` does the rest.
"""

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

# Pages that are at home elsewhere, and what is generated.
_ELSEWHERE: Final = {
    "README.md": "manual.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "web/client/README.md": "typescript-client.md",
}
_GENERATED: Final = ("reference/python.md", "reference/typescript")

# What is public, and in which order people look for it.
_MODULES: Final = (
    "pulse_radar",
    "pulse_radar.auth",
    "pulse_radar.jobs",
    "pulse_radar.outbox",
    "pulse_radar.testing",
    "pulse_radar.prometheus",
)

_LINK: Final = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]+)(#[^)\s]*)?(\))")

# In a row of a table: what shows it, and names that are long. A bar or a backslash would be one of the table.
_ROW: Final = re.compile(r"^\|.*\|$", re.MULTILINE)
_TEST: Final = re.compile(r"(?:, )?`([\w/]+\.py::(?:test_)?(\w+))`")
_LONG_NAME: Final = re.compile(r"`([^\s`|\\]*[_/,][^\s`|\\]*)`")
_PLACE_TO_BREAK: Final = re.compile(r"(?<=\w[_/,])(?=.)")
_SIGN: Final = re.compile(r"[\W_]")

# A file that is longer is not for reading on a page.
_LONGEST_LINES: Final = 700

_LANGUAGES: Final = {
    ".conf": "nginx",
    ".toml": "toml",
    ".json": "json",
    ".yml": "yaml",
    ".yaml": "yaml",
    ".py": "python",
}


class LeadsNowhere(Exception):
    """A link of the documentation has no end."""


def pages() -> dict[Path, str]:
    """Each page by its place in the repository, and its place on the site."""
    docs = ROOT / "docs"
    found = {page: page.relative_to(docs).as_posix() for page in sorted(docs.rglob("*.md"))}
    return found | {ROOT / source: place for source, place in _ELSEWHERE.items()}


def gather(target: Path) -> None:
    """Write all pages, with what they link to, below `target`. Raises: LeadsNowhere."""
    shutil.rmtree(target, ignore_errors=True)
    for source, place in pages().items():
        _write(target / place, "".join(_rewritten(source.read_text("utf-8"), source, place, target)))
    shutil.copytree(ROOT / "docs" / "images", target / "images", dirs_exist_ok=True)
    _copy(ROOT / "docs" / "site.css", target / "site.css")
    _write(target / "reference" / "python.md", "\n".join(_python_reference()))


def _rewritten(text: str, source: Path, place: str, target: Path) -> Iterator[str]:
    """The text with its links as they are on the site; code is left alone."""
    for number, part in enumerate(re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)):
        if number % 2:
            yield part
        else:
            relinked = _LINK.sub(lambda link: _relinked(link, source, place, target), part)
            yield _ROW.sub(_fitting, relinked)


def _fitting(row: re.Match[str]) -> str:
    """A row of a table: its tests as the sentences that their names are, its long names with places to break at."""
    return _LONG_NAME.sub(_breakable, _TEST.sub(_as_sentence, row[0]))


def _as_sentence(test: re.Match[str]) -> str:
    path, name = test.groups()
    sentence = name.replace("_", " ")
    return f'<span class="test" title="tests/{path}">{sentence[0].upper()}{sentence[1:]}</span>'


def _breakable(name: re.Match[str]) -> str:
    """The name as code, its signs by their numbers: outside of backticks they could mean something."""
    parts = (_SIGN.sub(_by_number, part) for part in _PLACE_TO_BREAK.split(name[1]))
    return f"<code>{'<wbr>'.join(parts)}</code>"


def _by_number(sign: re.Match[str]) -> str:
    return f"&#{ord(sign[0])};"


def _relinked(link: re.Match[str], source: Path, place: str, target: Path) -> str:
    begin, to, anchor, end = link.groups(default="")
    if "://" in to:
        return link[0]
    return f"{begin}{os.path.relpath(_place_of(source, to, target), Path(place).parent)}{anchor}{end}"


def _place_of(source: Path, to: str, target: Path) -> str:
    """Where on the site that is what this page links to."""
    linked = (source.parent / to).resolve()
    place = pages().get(linked)
    if place is not None:
        return place
    within = linked.relative_to(ROOT).as_posix()
    if within.startswith("docs/") and within.removeprefix("docs/").startswith((*_GENERATED, "images/")):
        return within.removeprefix("docs/")
    if not linked.exists():
        raise LeadsNowhere(f"{source.relative_to(ROOT)}: ({to})")
    if linked.suffix == ".png":
        _copy(linked, target / "images" / linked.name)
        return f"images/{linked.name}"
    place = f"files/{within}.md"
    _write(target / place, "\n".join(_shown(linked)))
    return place


def _shown(linked: Path) -> Iterator[str]:
    """A file, or all files of a folder, as a page."""
    yield f"# {linked.relative_to(ROOT).as_posix()}\n"
    for file in sorted(linked.rglob("*")) if linked.is_dir() else [linked]:
        if not file.is_file() or file.parent.name == "__pycache__":
            continue
        if linked.is_dir():
            yield f"## {file.relative_to(linked).as_posix()}\n"
        yield from _fenced(file)


def _fenced(file: Path) -> Iterator[str]:
    text = file.read_text("utf-8")
    if text.count("\n") > _LONGEST_LINES:
        yield f"{text.count(chr(10)):,} lines, in the repository.\n"
    else:
        yield f"````{_LANGUAGES.get(file.suffix, 'text')}\n{text.rstrip()}\n````\n"


def _python_reference() -> Iterator[str]:
    """What can be imported, each with its docstring."""
    yield "# The Python API\n"
    yield "Whatever is not here is not public. Names are imported from the module under which they stand.\n"
    for module in _MODULES:
        yield f"## {module}\n"
        imported = importlib.import_module(module)
        yield f"{(imported.__doc__ or '').splitlines()[0]}\n"
        # A person looks for what there is before what can go wrong.
        for name in sorted(imported.__all__, key=lambda name: (_is_error(getattr(imported, name)), name)):
            yield f"::: {_home(imported, module, name)}\n"


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def _home(imported: object, module: str, name: str) -> str:
    """Where it is written down: names are imported lazily, which nothing that reads sources sees."""
    value = getattr(imported, name)
    home = getattr(value, "__module__", None)
    if home is None or not str(home).startswith("pulse_radar") or getattr(value, "__name__", None) != name:
        homes = getattr(imported, "_HOMES", {})
        home = f"{module}.{homes[name]}" if name in homes else module
    return f"{home}.{name}"


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, to)


def _write(to: Path, text: str) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, "utf-8")


if __name__ == "__main__":
    gather(Path(sys.argv[1]).resolve())
