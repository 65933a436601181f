"""The template of a book, made once a run; every example gets a copy."""

import itertools
import logging
import shutil
import sqlite3

import pytest

from tests.property.book.modelled_book import make_template


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Thousands of commands fail here on purpose."""
    caplog.set_level(logging.CRITICAL + 1, "keelpay.book")


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """The path of a closed book in a file."""
    path = tmp_path_factory.mktemp("template") / "book.sqlite"
    make_template(f"sqlite:///{path}")
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


@pytest.fixture(scope="session")
def copy_of(template, tmp_path_factory):
    """Gives the URL of a fresh copy each time."""
    folder = tmp_path_factory.mktemp("books")

    numbers = itertools.count()

    def copy():
        path = folder / f"{next(numbers)}.sqlite"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    return copy
