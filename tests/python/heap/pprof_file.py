"""Reads pprof's profile.proto by the protobuf library, from the fields that its specification names:
https://github.com/google/pprof/blob/main/proto/profile.proto. Nothing of the product is used."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet

INT, UINT, BOOL, STRING = 3, 4, 8, 9
MESSAGES = {
    "ValueType": {"type": (1, INT), "unit": (2, INT)},
    "Sample": {"location_id": (1, [UINT]), "value": (2, [INT])},
    "Line": {"function_id": (1, UINT), "line": (2, INT)},
    "Location": {"id": (1, UINT), "address": (3, UINT), "line": (4, ["Line"])},
    "Function": {"id": (1, UINT), "name": (2, INT), "system_name": (3, INT), "filename": (4, INT),
                 "start_line": (5, INT)},
    "Profile": {"sample_type": (1, ["ValueType"]), "sample": (2, ["Sample"]),
                "location": (4, ["Location"]), "function": (5, ["Function"]),
                "string_table": (6, [STRING]), "time_nanos": (9, INT), "duration_nanos": (10, INT),
                "comment": (13, [INT]), "default_sample_type": (14, INT)},
}  # fmt: skip


def profile_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="profile.proto", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            repeated, kind = (
                isinstance(kind, list),
                kind[0] if isinstance(kind, list) else kind,
            )
            its = message.field.add(name=field, number=number, label=3 if repeated else 1)
            its.type = 11 if isinstance(kind, str) else kind
            if isinstance(kind, str):
                its.type_name = f".{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Profile"))


class Pprof:
    """Each stack is a list of (function, file, line), the outermost first."""

    def __init__(self, path: Path) -> None:
        profile = profile_class()()
        profile.ParseFromString(gzip.decompress(path.read_bytes()))
        assert profile.string_table[0] == "" and not len(UnknownFieldSet(profile))
        self.strings = profile.string_table
        self.types = [
            (self.strings[t.type], self.strings[t.unit]) for t in profile.sample_type
        ]
        self.default = self.strings[profile.default_sample_type]
        self.comments = [self.strings[comment] for comment in profile.comment]
        self.time, self.duration = profile.time_nanos, profile.duration_nanos
        functions = {function.id: function for function in profile.function}
        assert len(functions) == len(profile.function) and 0 not in functions
        places = {}
        for location in profile.location:
            (line,) = location.line
            function = functions[line.function_id]
            places[location.id] = (
                self.strings[function.name], self.strings[function.filename], line.line,
            )  # fmt: skip
        assert len(places) == len(profile.location) and 0 not in places
        self.samples = [
            ([places[i] for i in reversed(s.location_id)], list(s.value))
            for s in profile.sample
        ]

    def sums(self) -> dict[str, int]:
        columns = zip(*(values for _, values in self.samples), strict=True)
        return {name: sum(c) for (name, _), c in zip(self.types, columns, strict=True)}
