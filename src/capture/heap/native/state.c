#include "capture/heap/native/state.h"

__thread unsigned mp_native_state __attribute__((tls_model("initial-exec")));
