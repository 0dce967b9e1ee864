"""Functions in functions, comprehensions, generators, classes."""
import functools


@profile
def list_comprehension():
    xs = [j for j in range(5)]
    ys = [j
          for j in xs
          if j % 2]
    return ys


@profile
def other_comprehensions():
    d = {k: v
         for k, v in zip("abc", range(3))}
    s = {c for c in "hello"}
    n = [[i * j for i in range(2)] for j in range(3)]
    return d, s, n


@profile
def generator_expression():
    total = sum(k for k in range(5))
    total += sum(
        k * 2
        for k in range(3)
        if k
    )
    return total


@profile
def nested_function():
    def inner(x):
        y = x + 1
        return y

    total = 0
    for i in range(3):
        total += inner(i)
    return total


@profile
def nested_twice():
    def outer(n):
        def inner(m):
            return m * 2
        return inner(n) + inner(n + 1)
    return outer(1) + outer(2)


@profile
def with_lambdas():
    double = lambda x: x * 2
    key = (lambda pair:
           pair[1])
    return sorted([(1, 3), (2, 2)], key=key), [double(i) for i in range(3)]


@profile
def with_nonlocal():
    n = 0

    def bump():
        nonlocal n
        n += 1

    bump()
    bump()
    return n


@profile
def local_class():
    class Point:
        kind = "point"

        def __init__(self, x):
            self.x = x

        @property
        def double(self):
            return self.x * 2

    return Point(2).double + len(Point.kind)


def squares(n):
    for i in range(n):
        yield i * i


@profile
def consumes_a_generator():
    total = 0
    for square in squares(4):
        total += square
    rest = list(squares(3))
    return total, rest


@profile
def nested_generator():
    def count(n):
        while n:
            yield n
            n -= 1
    return [x for x in count(3)]


@profile
def closes_a_generator():
    def endless():
        try:
            while True:
                yield 1
        finally:
            done.append(1)
    done = []
    g = endless()
    next(g)
    next(g)
    g.close()
    return done


@profile
def throws_into_a_generator():
    def patient():
        while True:
            try:
                yield 1
            except ValueError:
                yield 2
    g = patient()
    next(g)
    g.throw(ValueError("x"))
    next(g)
    return g


@profile
def sends_and_delegates():
    def inner():
        got = yield 1
        got = yield got
        return got

    def outer():
        result = yield from inner()
        yield result
    g = outer()
    next(g)
    g.send("a")
    return g.send("b")


@profile
def recursive(n):
    if n == 0:
        return 0
    return 1 + recursive(n - 1)


@profile
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


class Shape:
    factor = 3

    @profile
    def method(self, x):
        y = x * self.factor
        return y

    @classmethod
    @profile
    def of_class(cls):
        return cls.factor

    @staticmethod
    @profile
    def of_nothing(x):
        return x

    @property
    @profile
    def area(self):
        return self.method(4)


def doubled(func):
    @functools.wraps(func)
    def wrapper(*args):
        return func(*args) * 2
    return wrapper


@doubled
@functools.lru_cache(None)
@profile
def stacked(x):
    y = x + 1
    return y


@profile
def calls_profiled():
    a = stacked(1)
    b = stacked(1)
    c = stacked(2)
    return a + b + c + recursive(2)


list_comprehension()
other_comprehensions()
generator_expression()
nested_function()
nested_twice()
with_lambdas()
with_nonlocal()
local_class()
consumes_a_generator()
nested_generator()
closes_a_generator()
throws_into_a_generator()
sends_and_delegates()
recursive(4)
fibonacci(6)
shape = Shape()
shape.method(2)
shape.of_class()
Shape.of_nothing(1)
shape.area
calls_profiled()
