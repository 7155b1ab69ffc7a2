"""A bare raise adds nothing to the traceback of its frame, and parts of a group that are raised again stay parts of it."""

import sys
import traceback


def lines(e):
    return [(entry.name, entry.line) for entry in traceback.extract_tb(e.__traceback__)]


def reraises():
    try:
        1 / 0
    except ZeroDivisionError:
        raise


def reraises_elsewhere():
    def helper():
        raise

    try:
        1 / 0
    except ZeroDivisionError:
        helper()


def reraises_behind_finally():
    try:
        try:
            [][0]
        except IndexError:
            raise
    finally:
        sys.getrefcount(0)


def raises_by_name():
    try:
        1 / 0
    except ZeroDivisionError as e:
        raise e


for function in reraises, reraises_elsewhere, reraises_behind_finally, raises_by_name:
    try:
        function()
    except Exception as e:
        print(function.__name__, lines(e)[1:])


def parts():
    try:
        raise ExceptionGroup("eg", [TypeError(1), ValueError(2), OSError(3)])
    except* TypeError:
        raise
    except* ValueError as e:
        raise


def new_and_old():
    try:
        raise ExceptionGroup("eg", [TypeError(1), ValueError(2)])
    except* TypeError:
        raise
    except* ValueError:
        raise KeyError("new")


for function in parts, new_and_old:
    try:
        function()
    except ExceptionGroup as e:
        print(repr(e), [type(inner).__name__ for inner in e.exceptions], len(lines(e)))
