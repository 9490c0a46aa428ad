"""The full national code lists stay outside the repository for their rights' sake (classification/data/SOURCE.md). Tests
use them where they lie beside the checkout, in ../shared or a folder above."""

from pathlib import Path

import pytest

from classification.importing.files import SourceFile

_CHECKOUT = Path(__file__).resolve().parent.parent
_PLACES = [folder / "shared" / "data" / "classification" for folder in _CHECKOUT.parents]
FOLDER = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
with_full_lists = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="De fullständiga kodlistorna finns inte här (../shared): inget är prövat mot dem."
)


def file(name):
    """One of the lists, as an import takes it."""
    return SourceFile.at_path(FOLDER / name)
