import pytest

from tests.clinic import Clinic


@pytest.fixture
def clinic(db):
    """A specialised clinic: its visits require a vårdåtagande."""
    return Clinic()


@pytest.fixture
def health_centre(db):
    """A vårdcentral: its visits require none."""
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
