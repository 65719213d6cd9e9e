"""Fixtures of the system tests. REUNITE_BUILD names the folder with the
programs."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import harness  # noqa: E402


@pytest.fixture
def sandbox(tmp_path):
    program = harness.Sandbox(str(tmp_path))
    yield program
    assert program.stop() == 0, program.log()


@pytest.fixture
def receiver():
    taker = harness.Receiver()
    yield taker
    taker.stop()
