"""The library's own suite for tracking recorders, on ours."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from eventsourcing.tests import persistence
from projected import opened

from projections.views import ViewRecorder


class TestViewRecorder(persistence.TrackingRecorderTestCase):
    """Each of its tests on a ledger of its own."""

    @pytest.fixture(autouse=True)
    def _server(self, server_url: str) -> None:
        self.url = server_url

    def setUp(self) -> None:
        self.stack = ExitStack()

    def tearDown(self) -> None:
        self.stack.close()

    def create_recorder(self) -> ViewRecorder:
        ledger = self.stack.enter_context(opened(self.url))
        return ViewRecorder(ledger.journal.entries.datastore)
