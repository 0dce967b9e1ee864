# coding: utf-8
"""Text that is not ASCII, long lines, the same name twice."""


@profile
def ünïcode():
    grün = "äöü €  𝄞"
    return grün


@profile
def twice():
    return 1


first = twice


@profile
def twice():
    x = 2
    return x


@profile
def never_called():
    return 0


@profile
def a_long_line():
    values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]
    return values


@profile
def trailing_comment():
    x = 1  # here
    # and there
    return x
    # after the return


@profile
def ends_the_file(n):
    if n: return [n
                  for n in range(3)]


ünïcode()
twice()
first()
a_long_line()
trailing_comment()
ends_the_file(1)
