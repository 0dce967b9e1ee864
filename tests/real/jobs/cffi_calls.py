"""Memory that C functions take, called through cffi."""

import cffi


def main():
    ffi = cffi.FFI()
    ffi.cdef("void *malloc(size_t); void free(void *); void *memset(void *, int, size_t);")
    libc = ffi.dlopen(None)
    block = libc.malloc(16 << 20)  # heap holds 16 MiB
    libc.memset(block, 1, 16 << 20)
    owned = ffi.new("char[]", 8 << 20)  # heap holds 8 MiB
    ffi.memmove(owned, block, 8 << 20)
    kept = b"x" * (24 << 20)  # holds 24 MiB
    print(owned[5], len(kept))
    libc.free(block)


main()
