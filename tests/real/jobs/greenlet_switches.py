"""Greenlets that hand over to each other, one of them never finished."""

from greenlet import getcurrent, greenlet

kept = []


def work(partner, mib):
    for _ in range(mib):
        kept.append(b"x" * (1 << 20))  # holds 16 MiB
        partner[0].switch()


def main():
    here = getcurrent()
    first = greenlet(work)
    second = greenlet(work)
    first.switch([here], 8)
    second.switch([here], 8)
    for _ in range(7):
        first.switch()
        second.switch()
    second.switch()
    print(len(kept), bool(first), bool(second))


main()
