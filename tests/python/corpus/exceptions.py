"""try, with, raise: every way out of a line."""
import contextlib


@profile
def try_except():
    try:
        x = 1
        raise ValueError("a")
    except KeyError:
        x = 2
    except (ValueError, TypeError) as error:
        x = str(error)
    return x


@profile
def try_else_finally(fail):
    try:
        x = 1
        if fail:
            int("x")
    except ValueError:
        x = 2
    else:
        x = 3
    finally:
        x += 1
    return x


@profile
def finally_returns():
    for i in range(3):
        try:
            if i == 1:
                continue
            if i == 2:
                return i
        finally:
            x = i
    return x


@contextlib.contextmanager
def opened():
    yield 1


@profile
def with_statements():
    with opened() as a:
        b = a
    with opened() as a, \
            opened() as c:
        b += a + c
    with (
        opened() as d,
        opened() as e,
    ):
        b += d + e
    with contextlib.suppress(ValueError):
        raise ValueError
    for i in range(2):
        with opened(): b += 1
    return b


@profile
def deepest(n):
    x = n
    raise LookupError(x)


@profile
def middle(n):
    try:
        return deepest(n)
    finally:
        n = None


@profile
def outermost():
    for i in range(2):
        try:
            middle(i)
        except LookupError:
            i = -1
    return i


@profile
def raises_from_comprehension():
    try:
        return [1 // (2 - i)
                for i in range(4)]
    except ZeroDivisionError:
        return None


@profile
def raises_in_nested():
    def fail(x):
        if x:
            raise OSError
        return fail(x + 1)
    try:
        fail(0)
    except OSError as error:
        return str(error)


@profile
def exception_groups():
    try:
        raise ExceptionGroup("g", [ValueError(1), KeyError(2)])
    except* ValueError as group:
        a = group
    except* KeyError as group:
        a = group
    return None


@profile
def reraises():
    try:
        try:
            raise KeyError
        except KeyError as error:
            raise RuntimeError from error
    except RuntimeError:
        pass


@profile
def escapes():
    x = [1] * 10
    return x[99]


try_except()
try_else_finally(False)
try_else_finally(True)
finally_returns()
with_statements()
outermost()
raises_from_comprehension()
raises_in_nested()
exception_groups()
reraises()
try:
    escapes()
except IndexError:
    pass
