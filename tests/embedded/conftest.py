"""Servers of a test's own: none of these tests touches those of the test run."""

import pytest

from sdv.embedded import Servers


@pytest.fixture
def servers(tmp_path):
    """Not yet started; whatever still runs in the folder afterwards is stopped."""
    made = Servers(tmp_path / "instance", fast=True)
    yield made
    made.stop()
