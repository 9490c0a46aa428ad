"""Settings of the benchmark: the product's own, with thin views beside its pages to compare with."""

from sdv.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
