"""What every command of the command line shares: `--json` and `--lang`, words for people, faults, exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar

import click

from api.progress import Status
from api.settings import Settings

EXIT_TAMPERED, EXIT_UNUSABLE, EXIT_REJECTED, EXIT_BUG = 1, 2, 3, 70
EXIT_INTERRUPTED, EXIT_PIPE_CLOSED = 130, 141

R = TypeVar("R")


class Words:
    """Says things to a person in the language that was asked for, or to a program as JSON.

    `exponent` is how many decimals the ledger's currency has, for faults that name amounts.
    """

    def __init__(self, language: str, json: bool) -> None:
        self.language, self.json, self.exponent = language, json, 2
        self.status = Status(language)

    def say(self, zh: str, en: str) -> None:
        """One line for a person; nothing when JSON was asked for."""
        if not self.json:
            click.echo(zh if self.language == "zh" else en)

    def give(self, value: Any) -> None:
        """The result for a program; nothing for a person."""
        if self.json:
            click.echo(as_text(value))


def as_text(value: Any) -> str:
    """A value as one line of JSON."""
    import msgspec

    return msgspec.json.encode(value).decode()


def common(command: Callable[..., R]) -> Callable[..., R]:
    """Adds --json and --lang, passes `words` and `settings`, and turns faults into one sentence and an exit code."""

    @click.option("--json", "as_json", is_flag=True, help="结果以 JSON 输出 / print the result as JSON")
    @click.option("--lang", type=click.Choice(["zh", "en"]), help="语言 / language (FENHAO_LANGUAGE)")
    @wraps(command)
    def run(*arguments: Any, as_json: bool, lang: str | None, **options: Any) -> R:
        from eventsourcing.persistence import PersistenceError

        from ledger.database import DatabaseFault
        from ledger.errors import LedgerError

        settings = Settings.from_environment()
        if lang:
            settings = replace(settings, language=lang)
        words = Words(settings.language, as_json)
        try:
            return command(*arguments, words=words, settings=settings, **options)
        except (LedgerError, PersistenceError) as error:
            words.status.clear()
            fault = error if isinstance(error, LedgerError) else DatabaseFault(reason=str(error).strip().split("\n")[0])
            _complain(fault, words)
            sys.exit(EXIT_TAMPERED if fault.is_evidence else EXIT_UNUSABLE)
        except (KeyboardInterrupt, click.Abort):  # the second: at a question, or nobody is there to answer it
            sys.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            # Whoever read has read enough (`| head`); nothing may be left to say at the end of the process.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(EXIT_PIPE_CLOSED)
        except Exception:  # noqa: BLE001 - said below
            # A bug of ours. It must not look like exit code 1, which says that somebody tampered.
            traceback.print_exc()
            sys.exit(EXIT_BUG)
        finally:
            words.status.clear()

    return run


def looking_back(command: Callable[..., R]) -> Callable[..., R]:
    """Adds --as-of and --known-at."""
    as_of = click.option("--as-of", metavar="DATE", help="只计记账日期到该日的分录 / entries posted up to that day")
    known_at = click.option(
        "--known-at", metavar="TIME", help="只计该时刻以前登记的分录 / entries recorded by then (a day: by its end)"
    )
    return as_of(known_at(command))


def _complain(fault: Any, words: Words) -> None:
    """A fault in both languages on standard error; as JSON on standard output too, when that was asked for."""
    zh, en = (fault.say(language, words.exponent) for language in ("zh", "en"))
    click.echo(f"错误：{zh}\nerror: {en}", err=True)
    words.give({"error": fault.code, "zh": zh, "en": en})
