"""cloudpickle and dill send functions and classes of the program's to themselves."""

import pickle

import cloudpickle
import dill


class Store:
    def __init__(self, mib):
        self.body = b"x" * (mib << 20)  # holds 12 MiB

    def size(self):
        return len(self.body)


def double(n):
    return 2 * n


def main():
    stores = [Store(12)]
    for sender, receiver in ((cloudpickle, pickle), (dill, dill)):
        other = receiver.loads(sender.dumps(double))
        kind = receiver.loads(sender.dumps(Store))
        print(other(21), kind.__name__, receiver.loads(sender.dumps(lambda n: n + 1))(1))
    print(stores[0].size())


main()
