"""The projection runner: keeps the views up with the journal, catches them up, folds them anew.

Several processes may run one at the same time: each page is folded by whoever comes first, under a lock, and found done
by the others. Views and tracking commit together, so a process may die at any point.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

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
        with ThreadPoolExecutor(max_workers=1) as thread:
            ahead = Ahead(thread, self._gathered(position))
            while (read := self._told(ahead))[0]:
                items, page = read
                if self._fold(items, page, ahead.begin):
                    position = items[-1].seq + 1
                else:
                    # Somebody else folds too, tapes that were opened in pages not read here perhaps.
                    position = self.position()
                    ahead = Ahead(thread, self._gathered(position))
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
            funds: dict[int, str] = {}
            self._refold(views, funds, progress)
            with views.turn() as cursor:
                self._refold(views, funds, progress)
                views.finish()
                unlike = views.replace()
                self.recorder.track(cursor, views.position)
        return Rebuilt(views.position, unlike)

    def _refold(self, views: Beside, funds: dict[int, str], progress: Progress | None) -> None:
        """Brings them to where the views are; to the end of the journal when those stand still."""
        size = self.position() if self.failure() is None else self._journal.entries.max_notification_id() or 0
        with ThreadPoolExecutor(max_workers=1) as thread:
            ahead = Ahead(
                thread, gathered_pages(partial(self._items_after, stop=size), views.position, funds, summed=False)
            )
            while (read := ahead.take())[0]:
                views.fold(*read, ahead.begin)
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

    def _gathered(self, position: int) -> Iterator[Gathered]:
        with self._journal.entries.reading() as cursor:
            funds = funds_of_tapes(cursor)
        return gathered_pages(self._items_after, position, funds)

    def _told(self, ahead: Ahead) -> Gathered:
        """The next page; the failure at its first entry is kept, and raised."""
        try:
            return ahead.take()
        except ProjectionFailed as failure:
            self.recorder.record_failure(failure)
            raise

    def _fold(self, items: list[Item], page: Page | None = None, settled: Callable[[], None] | None = None) -> bool:
        """Folds a page in a transaction of its own; when an entry fails, the ones before it, and then raises.

        `settled` is called when what is left to do is the server's.
        """
        try:
            with self.recorder.folding() as cursor:
                return self.recorder.fold(cursor, items, page, settled)
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


def gathered_pages(
    items_after: Callable[[int], list[Item]], position: int, funds: dict[int, str], *, summed: bool = True
) -> Iterator[Gathered]:
    """Page after page with what each changes by itself, None where that fails, for the fold to say so; none at the end.

    `funds` are those of the tapes opened before the first page; to them are added those opened in pages. `summed` is
    whether the sums are kept up with the pages.
    """
    while items := items_after(position):
        page = None
        with suppress(ProjectionFailed):
            page = Page.gathered(items, funds, summed=summed)
            funds.update((number, fund) for number, fund, *_ in page.changes.tapes)
        yield items, page
        position = items[-1].seq + 1
    yield [], None


class Ahead:
    """The next page, made in another thread once somebody says that it may begin, or else when it is asked for."""

    def __init__(self, thread: ThreadPoolExecutor, pages: Iterator[Gathered]) -> None:
        self._thread, self._pages = thread, pages
        self._coming: Future[Gathered] | None = None

    def begin(self) -> None:
        """To be called when this thread has nothing to do but to wait for the server: only one of the two can run."""
        if self._coming is None:
            self._coming = self._thread.submit(next, self._pages)

    def take(self) -> Gathered:
        """The next page. Raises ProjectionFailed."""
        self.begin()
        coming, self._coming = self._coming, None
        assert coming is not None, "begun above"
        return coming.result()


def _watch(subscription: EntrySubscription, stop: threading.Event) -> None:
    """Ends the subscription when `stop` is set, and until then has it look now and then for what it was not told of."""
    while not stop.wait(GLANCE_S) and not subscription._has_been_stopped:
        subscription._has_been_notified.set()
    subscription.stop()
