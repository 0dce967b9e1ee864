"""Straight lines, loops, literals and calls over several lines."""
import os


@profile
def straight_line():
    a = [1] * (10 ** 6)
    b = [2] * (2 * 10 ** 7)
    del b
    return a


@profile
def for_loop():
    total = 0
    for i in range(7):
        total += i
        if i == 3:
            continue
        if i == 5:
            break
    else:
        total = -1
    return total


@profile
def for_else():
    for i in range(3):
        pass
    else:
        i = 0
    return i


@profile
def while_loop():
    n = 5
    while n > 0:
        n -= 1
    else:
        n = 10
    while True:
        n += 1
        if n > 12:
            break
    return n


@profile
def one_line_loops():
    x = 0
    for i in range(6): x += i
    while x: x -= 1
    for i in range(2):
        for j in range(3): x += j
    return x


@profile
def nested_loops():
    out = []
    for i in range(3):
        for j in range(i):
            out.append((i, j))
    return out


@profile
def many_lines_of_call():
    return dict(
        a=1,
        b=len(
            "abc"
        ),
        c=[
            1,
            2,
        ],
    )


@profile
def big_literals():
    table = {
        "one": [1, 2, 3],
        "two": (4, 5,
                6),
        "three": {7, 8},
    }
    text = """several
    lines
    of text"""
    return table, text


@profile
def chained(a=1, b=5, c=9):
    if 0 < a < b < c and (
        b != 7
        or c == 0
    ):
        return (a
                + b
                + c)
    return 0


@profile
def early_return(x):
    if x:
        return 1
    x = 2
    return x


@profile
def docstring_only():
    """Nothing but this."""


@profile
def blank_lines():

    # a comment

    x = 1

    return x


@profile
def body_on_def_line(): return 1


@profile
def	with_tabs():
	if True:
		x = 1
	return x


@profile
def walrus(values=(1, 2, 3)):
    while (n := len(values)) > 1:
        values = values[1:]
    if (m := n + 1) and m > 1: return m
    return n


@profile
def deletes():
    a, b = [1] * 10, {}
    del a
    b["x"] = 1
    del b["x"]
    return b


counter = 0


@profile
def uses_global():
    global counter
    counter += 1
    return counter


@profile
def star_arguments(*args, **kwds):
    first, *rest = args
    return len(rest), {**kwds, **{"x": 1}}


@profile
def matches(values):
    found = []
    for value in values:
        match value:
            case {"kind": kind}:
                found.append(kind)
            case [x, y] if x > y:
                found.append(x)
            case [_, y]:
                found.append(y)
            case int() | float():
                found.append(value)
            case _:
                found.append(None)
    return found


@profile
def asserts_and_passes():
    assert True, "never"
    pass
    x = 1 if os.sep else 2
    x = (1 if not os.sep
         else 2)
    return x or 3


straight_line()
for_loop()
for_else()
while_loop()
one_line_loops()
nested_loops()
many_lines_of_call()
big_literals()
chained()
chained(3, 2)
early_return(0)
early_return(1)
docstring_only()
blank_lines()
body_on_def_line()
body_on_def_line()
with_tabs()
walrus()
deletes()
uses_global()
uses_global()
star_arguments(*range(4), a=1, **{"b": 2})
matches([{"kind": 1}, [2, 1], [1, 2], 3, 4.0, "x"])
asserts_and_passes()
