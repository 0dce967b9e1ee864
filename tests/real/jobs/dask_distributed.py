"""A cluster of two processes on this machine; its workers hold what they made."""

from distributed import Client, LocalCluster

kept = []


def load(mib):
    import builtins

    builtins.kept = b"x" * (mib << 20)  # there it is a line of cloudpickle's <dynamic-code>
    return mib


def main():
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    )
    client = Client(cluster)
    print(client.submit(load, 16).result())
    kept.append(b"y" * (8 << 20))  # holds 8 MiB
    print(client.gather(client.map(lambda n: n * n, range(10))))
    client.close()
    cluster.close()


if __name__ == "__main__":
    main()
