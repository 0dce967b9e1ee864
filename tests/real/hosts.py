"""Machines that tests make: namespaces with a network, name, pids, mounts, boot and disk of their own.

    node1 10.77.0.1 ──eth0── 10.77.0.2 node2

Nothing of it is in the network of the machine that runs the tests. Each has a remote shell (`ask`), as MPI
wants one, and a disk of its own at the same path. Programs on node2 read a clock that may be late: no
namespace has that one, so a library is loaded before the others that takes the seconds off.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

PORT = 514
NETWORK = "10.77.0"
NAMES = f"{NETWORK}.1 node1\n{NETWORK}.2 node2\n127.0.0.1 localhost\n"
HERE = pathlib.Path(__file__)


def reason_against() -> str:
    """Why machines cannot be made here; "" where they can."""
    for name in ("unshare", "nsenter", "ip", "mount"):
        if not shutil.which(name):
            return f"needs {name}: util-linux, iproute2 have it"
    words = [
        "unshare",
        "-numip",
        "--fork",
        "--mount-proc",
        "ip",
        "link",
        "add",
        "type",
        "veth",
    ]
    tried = subprocess.run(words, capture_output=True, text=True)
    return f"namespaces with a network: {tried.stderr.strip()}" if tried.returncode else ""


SETUP = """
read go
set -e
hostname {name}
mount --bind {where}/boot /proc/sys/kernel/random/boot_id
mount --bind {where}/hosts /etc/hosts
mount -t tmpfs -o size={size} none {disk}
mount -t tmpfs none /dev/shm
ip link set lo up
exec env {also} {python} {here} serve
"""


class Host:
    """One of them: `run` a program to its end on it, or `start` one."""

    def __init__(self, base: pathlib.Path, number: int, size: str, also: str) -> None:
        self.name, self.address = f"node{number}", f"{NETWORK}.{number}"
        self.where, self.disk = base / self.name, pathlib.Path("/mnt")
        self.where.mkdir()
        self.also = f"TMPDIR={self.disk} {also}"
        (self.where / "boot").write_text(f"{uuid.uuid4()}\n")
        (self.where / "hosts").write_text(NAMES)
        script = SETUP.format(
            name=self.name, where=self.where, disk=self.disk, size=size, also=self.also,
            python=sys.executable, here=HERE,
        )  # fmt: skip
        words = ["unshare", "-numip", "--fork", "--kill-child", "--mount-proc", "sh", "-c"]
        self.process = subprocess.Popen([*words, script], stdin=subprocess.PIPE)
        self.first = self._find_first()

    def _find_first(self) -> int:
        """Its process 1, by the number that it has here."""
        children = pathlib.Path(
            f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if found := children.read_text().split():
                return int(found[0])
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} does not start")

    def inside(self, *words: object) -> list[str]:
        enter = [
            "nsenter",
            "-t",
            str(self.first),
            "-n",
            "-u",
            "-m",
            "-p",
            "-i",
            f"--wd={os.getcwd()}",
        ]
        return [*enter, "env", *self.also.split(), *map(str, words)]

    def in_network(self, words: str) -> None:
        subprocess.run(["nsenter", "-t", str(self.first), "-n", *words.split()], check=True)

    def run(self, *words: object, **options: object) -> subprocess.CompletedProcess[str]:
        enter = self.inside(*words)
        return subprocess.run(enter, capture_output=True, text=True, **options)  # type: ignore[call-overload]

    def start(
        self, log: pathlib.Path, *words: object, **options: object
    ) -> subprocess.Popen[bytes]:
        """What it prints is in the log."""
        with open(log, "ab") as out:
            return subprocess.Popen(self.inside(*words), stdout=out, stderr=out, **options)  # type: ignore[call-overload]

    def unplug(self) -> None:
        """Nothing answers from there any more, and nothing says so."""
        self.in_network("ip link set eth0 down")

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)  # and so all that it has
        self.process.kill()
        self.process.wait()


class Hosts:
    """Two of them; node2's disk may be small, and its clock late by so many seconds."""

    def __init__(self, base: pathlib.Path, disk: str = "256m", late: int = 0) -> None:
        self.hosts: list[Host] = []
        try:
            self.hosts.append(Host(base, 1, "256m", ""))
            self.hosts.append(Host(base, 2, disk, _late(base, late) if late else ""))
            self._connect()
        except BaseException:
            self.end()
            raise

    def _connect(self) -> None:
        one, two = self.hosts
        one.in_network(f"ip link add eth0 type veth peer name eth0 netns {two.first}")
        for host in self.hosts:
            host.in_network(f"ip address add {host.address}/24 dev eth0")
            host.in_network("ip link set eth0 up")
            assert host.process.stdin
            host.process.stdin.write(b"go\n")
            host.process.stdin.close()
        for host in self.hosts:
            for _ in range(200):
                if host.run("ip", "link").returncode == 0 and self._answers(host):
                    break
                time.sleep(0.05)
            else:
                raise RuntimeError(f"{host.name} does not answer")

    def _answers(self, host: Host) -> bool:
        done = host.run(sys.executable, HERE, "ask", host.name, "hostname")
        return bool(done.stdout.strip() == host.name)

    def __enter__(self) -> tuple[Host, Host]:
        return self.hosts[0], self.hosts[1]

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        for host in self.hosts:
            host.end()


CLOCK = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec += !failed && clock == CLOCK_REALTIME ? SECONDS : 0;
    return failed;
}
time_t time(time_t *now)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return now ? *now = at.tv_sec : at.tv_sec;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    *now = (struct timeval){at.tv_sec, at.tv_nsec / 1000};
    return 0;
}
"""


def _late(base: pathlib.Path, seconds: int) -> str:
    source, library = base / "late.c", base / "late.so"
    source.write_text(CLOCK)
    options = ["-shared", "-fPIC", f"-DSECONDS=({-seconds})"]
    subprocess.run(["cc", *options, "-o", library, source], check=True)
    return f"LD_PRELOAD={library}"


def serve() -> None:
    """Process 1 of a machine: runs what it is asked, and lets what ended go."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.create_server(("", PORT)) as listener:
        while True:
            peer, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                os.setsid()
                words = peer.makefile().readline()
                for number in range(3):
                    os.dup2(peer.fileno(), number)
                os.execvp("sh", ["sh", "-c", words])
            peer.close()


def ask(host: str, words: list[str]) -> None:
    """Runs a line of words there, as ssh does, and prints what it prints."""
    with socket.create_connection((host, PORT)) as peer:
        peer.sendall(f"{' '.join(words)}\n".encode())
        with peer.makefile("rb") as answer:
            shutil.copyfileobj(answer, sys.stdout.buffer)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        ask(sys.argv[2], sys.argv[3:])
