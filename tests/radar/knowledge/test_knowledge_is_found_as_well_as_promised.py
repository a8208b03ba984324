"""The promise on messages that were held out while the extraction was tuned: see docs/KNOWLEDGE.md."""

import pytest
from benchmarks.knowledge.baseline import baseline
from benchmarks.knowledge.labelled import LANGUAGES, labelled
from benchmarks.knowledge.score import KINDS, found_by_rules, score
from benchmarks.knowledge.table import DOCS, table

from pulse_radar.radar.events import AtomKind

# Below it a feed of atoms is noise.
PROMISED_PRECISION = 0.8

# Nobody is promised a recall; but who finds little is precise easily.
LEAST_RECALL = 0.6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_found_is_mostly_right_and_what_is_there_is_mostly_found(
    language: str, kind: AtomKind
) -> None:
    found = score(labelled(language, "held_out"), kind, found_by_rules)
    assert found.precision >= PROMISED_PRECISION
    assert found.recall >= LEAST_RECALL


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_better_than_a_regular_expression(kind: AtomKind) -> None:
    held_out = [message for language in LANGUAGES for message in labelled(language, "held_out")]
    ours, bare = (score(held_out, kind, find) for find in (found_by_rules, lambda m: baseline(m.text)))
    assert ours.f1 > bare.f1 + 0.1


def test_there_are_enough_messages_to_judge_by_and_many_say_nothing() -> None:
    for language in LANGUAGES:
        held_out, development = labelled(language, "held_out"), labelled(language, "development")
        assert len(held_out) + len(development) >= 150
        assert sum(not message.kinds for message in held_out) >= len(held_out) / 3
        assert not {m.text for m in held_out} & {m.text for m in development}


@pytest.mark.parametrize("kind", ["question", "link"])
def test_links_and_marked_questions_are_found_in_languages_that_nobody_wrote_cues_for(kind: AtomKind) -> None:
    found = score(labelled("other", "held_out"), kind, found_by_rules)
    assert (found.precision, found.recall) >= (1.0, 0.7)


def test_the_docs_have_the_table_as_it_is_now() -> None:
    assert table() in DOCS.read_text(encoding="utf-8"), "run: python -m benchmarks.knowledge"
