"""The checks catch what they are there for: every seeded mistake, and in words that name it."""

from __future__ import annotations

import copy

import pytest

from tests.deploy.kubernetes import schemas
from tests.deploy.kubernetes.checks import CHECKS, problems
from tests.deploy.kubernetes.conftest import GIVEN
from tests.deploy.kubernetes.mutants import MINIMAL, MUTANTS, Draft, Mutant
from tests.deploy.kubernetes.tools import Manifest

VERSION = schemas.VERSIONS[-1]


def complaints(manifests: list[Manifest]) -> list[str]:
    """What the schemas say; where they say nothing, what our own checks say."""
    return schemas.problems(manifests, VERSION) or problems(manifests, given=GIVEN)


def test_without_a_mistake_nothing_is_said(everything: list[Manifest], minimal: list[Manifest]) -> None:
    assert complaints(everything) == []
    assert complaints(minimal) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_seeded_mistake_is_caught(
    mutant: Mutant, everything: list[Manifest], minimal: list[Manifest]
) -> None:
    draft = Draft(copy.deepcopy(minimal if mutant.base == MINIMAL else everything))
    mutant.make(draft)
    found = complaints(draft.manifests)
    assert any(mutant.caught in text for text in found), found


def test_every_check_catches_a_mistake(everything: list[Manifest], minimal: list[Manifest]) -> None:
    idle = {check.__name__ for check in CHECKS}
    for mutant in MUTANTS:
        draft = Draft(copy.deepcopy(minimal if mutant.base == MINIMAL else everything))
        mutant.make(draft)
        if schemas.problems(draft.manifests, VERSION):
            continue
        for check in CHECKS:
            if check.__name__ in idle and any(problems(draft.manifests, given=GIVEN, checks=[check])):
                idle.discard(check.__name__)
    assert idle == set()


def test_mistakes_have_names_of_their_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
