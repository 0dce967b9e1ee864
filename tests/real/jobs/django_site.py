"""A Django view through the test client and through runserver, which Ctrl-C ends."""

import os
import socket
import subprocess
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import path

kept = []


def load(request, mib):
    kept.append(b"x" * (mib << 20))  # holds 16 MiB
    return HttpResponse(f"kept {len(kept)}")


urlpatterns = [path("load/<int:mib>", load)]


def main():
    settings.configure(
        ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="s", DEBUG=False, DATABASES={},
        LOGGING_CONFIG=None,
    )  # fmt: skip
    django.setup()
    print(Client().get("/load/8").content)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    subprocess.Popen(
        [sys.executable, "ask.py", port, str(os.getpid()), "SIGINT", "/load/8"]
    )
    call_command(
        "runserver", f"127.0.0.1:{port}", use_reloader=False, stdout=open(os.devnull, "w")
    )


main()
