"""The projection runner: keeps the views up with the journal, catches them up, folds them anew.

Several processes may run one at the same time: each page is folded by whoever comes first, under a lock, and found done
by the others. Views and tracking commit together, so a process may die at any point.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from eventsourcing.persistence import InterfaceError, OperationalError

from ledger.journal import EntrySubscription, Journal
from projections.fold import Item, ProjectionFailed, items_of, single_entries, whole_entries
from projections.rebuilding import Beside, beside
from projections.summing import Page
from projections.views import SumsFailed, ViewRecorder, funds_of_tapes

PAGE_ENTRIES = 8_000
"""Pages of this size, when there is so much to catch up with, change the same sums less often than smaller ones do."""
PAUSES_S = (0.1, 0.5, 1.0, 2.0, 5.0)
"""How long to wait before following again after the connection dropped, the last for all later times."""
GLANCE_S = 1.0
"""How often to look for entries whose notification was missed, committed while LISTEN was being set up."""

Gathered = tuple[list[Item], Page | None]
Progress = Callable[[int, int], None]
"""Is told how many entries are folded, and of how many."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Views made anew: how many entries they are made of, and the tables that were not what they are now."""

    entries: int
    unlike: tuple[str, ...]


class Runner:
    """Folds one journal's entries into its views."""

    def __init__(self, journal: Journal, page_entries: int = PAGE_ENTRIES) -> None:
        self._journal = journal
        self._page_entries = page_entries
        self.recorder = ViewRecorder(journal.entries.datastore, journal.name)

    def position(self) -> int:
        """How many entries are folded."""
        return self.recorder.position()

    def lag(self) -> int:
        """How many recorded entries are not folded yet."""
        return (self._journal.entries.max_notification_id() or 0) - self.position()

    def failure(self) -> ProjectionFailed | None:
        """The failure at which the views stand still, whichever process met it."""
        return self.recorder.failure()

    def wait_for(self, seq: int, timeout_s: float = 5.0) -> None:
        """Returns once the entry of that seq is folded. Raises TimeoutError."""
        self.recorder.wait(self._journal.name, seq + 1, timeout=timeout_s)

    def catch_up(self, limit_s: float | None = None, progress: Progress | None = None) -> int:
        """Folds until the head is reached, or for about `limit_s`; how many entries are folded then.

        Raises ProjectionFailed, with everything before that entry folded.
        """
        deadline = None if limit_s is None else time.monotonic() + limit_s
        position = self.position()
        # The next page is read while this one is being stored.
        with ThreadPoolExecutor(max_workers=1) as ahead:
            gathering = self._gathering()
            reading = ahead.submit(gathering.after, position)
            while (read := self._told(reading))[0]:
                items, page = read
                reading = ahead.submit(gathering.after, items[-1].seq + 1)
                if self._fold(items, page):
                    position = items[-1].seq + 1
                else:
                    # Somebody else folds too, tapes that were opened in pages not read here perhaps.
                    position, gathering = self.position(), self._gathering()
                    reading = ahead.submit(gathering.after, position)
                if progress is not None:
                    progress(position, max(position, self._journal.entries.max_notification_id() or 0))
                if deadline is not None and time.monotonic() >= deadline:
                    break
        return position

    def rebuild(self, progress: Progress | None = None) -> Rebuilt:
        """Folds everything anew beside the views, which answer and follow meanwhile, and replaces what is otherwise.

        Raises ProjectionFailed, with the views left as they were.
        """
        with suppress(ProjectionFailed):  # what cannot be folded is told of below, or can be by now
            self.catch_up()
        with beside(self._journal.database) as views:
            gathering = Gathering(self._items_after, {}, summed=False)
            self._refold(views, gathering, progress)
            with views.turn() as cursor:
                self._refold(views, gathering, progress)
                views.finish()
                unlike = views.replace()
                self.recorder.track(cursor, views.position)
        return Rebuilt(views.position, unlike)

    def _refold(self, views: Beside, gathering: Gathering, progress: Progress | None) -> None:
        """Brings them to where the views are; to the end of the journal when those stand still."""
        size = self.position() if self.failure() is None else self._journal.entries.max_notification_id() or 0
        with ThreadPoolExecutor(max_workers=1) as ahead:
            reading = ahead.submit(gathering.after, views.position, size)
            while (read := reading.result())[0]:
                reading = ahead.submit(gathering.after, read[0][-1].seq + 1, size)
                views.fold(*read)
                if progress is not None:
                    progress(views.position, size)

    def run(self, stop: threading.Event) -> None:
        """Follows the journal until `stop` is set; starts again, after a pause, when the connection drops.

        Raises ProjectionFailed when an entry cannot be folded.
        """
        drops = 0
        while not stop.is_set():
            try:
                self.catch_up()
                drops = 0
                self._follow(stop)
            except (OperationalError, InterfaceError) as error:
                pause_s = PAUSES_S[min(drops, len(PAUSES_S) - 1)]
                drops += 1
                _log.warning("following the journal broke off, again in %s s: %s", pause_s, str(error).strip())
                stop.wait(pause_s)

    def _follow(self, stop: threading.Event) -> None:
        with self._journal.entries.subscribe(gt=self.position()) as subscription:
            threading.Thread(target=_watch, args=(subscription, stop), daemon=True).start()
            for page in subscription.pages():
                # A page that ends amid an entry's parts, or begins behind where the views end, is read anew; so is one
                # that cannot be read, for what comes before that.
                items: list[Item] = []
                with suppress(ProjectionFailed):
                    items = items_of(page)
                if not self._fold(items) or whole_entries(items) is not items:
                    self.catch_up()

    def _items_after(self, position: int, stop: int | None = None) -> list[Item]:
        """The next page: whole entries, at least one if there is any, however many parts it has; up to `stop`.

        Raises ProjectionFailed at one that cannot be read.
        """
        limit = self._page_entries
        while True:
            read, failure = self.recorder.read(position, limit, stop)
            if (items := whole_entries(read)) or not (read or failure):
                return items
            if failure is not None:
                raise failure
            limit *= 2

    def _gathering(self) -> Gathering:
        with self._journal.entries.reading() as cursor:
            return Gathering(self._items_after, funds_of_tapes(cursor))

    def _told(self, reading: Future[Gathered]) -> Gathered:
        """The next page; the failure at its first entry is kept, and raised."""
        try:
            return reading.result()
        except ProjectionFailed as failure:
            self.recorder.record_failure(failure)
            raise

    def _fold(self, items: list[Item], page: Page | None = None) -> bool:
        """Folds a page in a transaction of its own; when an entry fails, the ones before it, and then raises."""
        try:
            with self.recorder.folding() as cursor:
                return self.recorder.fold(cursor, items, page)
        except SumsFailed:
            folded = [self._fold_alone(one) for one in single_entries(items)]
            return any(folded)
        except ProjectionFailed as failure:
            if before := whole_entries(items[: max(failure.seq - items[0].seq, 0)]):
                self._fold(before)
            self.recorder.record_failure(failure)
            raise

    def _fold_alone(self, entry: list[Item]) -> bool:
        """Folds one entry, again if need be, and leaves behind a kind of sum that cannot follow it."""
        with self.recorder.folding() as cursor:
            return self.recorder.fold(cursor, entry, alone=True)


class Gathering:
    """Reads page after page and gathers what each says by itself, while the one before it is being stored."""

    def __init__(
        self,
        items_after: Callable[[int, int | None], list[Item]],
        funds: dict[int, str],
        *,
        summed: bool = True,
    ) -> None:
        """`funds` are those of the tapes opened before the first page; those opened in pages are remembered.

        `summed` is whether the sums are kept up with the pages.
        """
        self._items_after, self._funds, self._summed = items_after, funds, summed

    def after(self, position: int, stop: int | None = None) -> Gathered:
        """The next page, up to `stop`, and what it changes; None where that fails, for the fold to say so."""
        items = self._items_after(position, stop)
        if not items:
            return items, None
        with suppress(ProjectionFailed):
            page = Page.gathered(items, self._funds, summed=self._summed)
            self._funds.update((number, fund) for number, fund, *_ in page.changes.tapes)
            return items, page
        return items, None


def _watch(subscription: EntrySubscription, stop: threading.Event) -> None:
    """Ends the subscription when `stop` is set, and until then has it look now and then for what it was not told of."""
    while not stop.wait(GLANCE_S) and not subscription._has_been_stopped:
        subscription._has_been_notified.set()
    subscription.stop()
