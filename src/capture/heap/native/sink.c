#include "capture/heap/native/sink.h"

struct mp_native_sink mp_native_sink;
