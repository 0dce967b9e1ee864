// Asks operator new in each of its ways, and operator delete. Loaded with ctypes.
#include <cstddef>
#include <cstring>
#include <new>

static const std::size_t MIB = 1 << 20;
static const std::align_val_t WIDE{256};

static void *filled(void *block, std::size_t size) {
    return std::memset(block, 1, size);
}

// 36 MiB stay: 1 + 2 + ... + 8.
extern "C" void keep() {
    filled(::operator new(1 * MIB), 1 * MIB);
    filled(::operator new[](2 * MIB), 2 * MIB);
    filled(::operator new(3 * MIB, std::nothrow), 3 * MIB);
    filled(::operator new[](4 * MIB, std::nothrow), 4 * MIB);
    filled(::operator new(5 * MIB, WIDE), 5 * MIB);
    filled(::operator new[](6 * MIB, WIDE), 6 * MIB);
    filled(::operator new(7 * MIB, WIDE, std::nothrow), 7 * MIB);
    filled(::operator new[](8 * MIB, WIDE, std::nothrow), 8 * MIB);
}

// Nothing stays: twelve blocks of a MiB, one at a time.
extern "C" void give_back() {
    ::operator delete(filled(::operator new(MIB), MIB));
    ::operator delete[](filled(::operator new[](MIB), MIB));
    ::operator delete(filled(::operator new(MIB), MIB), MIB);
    ::operator delete[](filled(::operator new[](MIB), MIB), MIB);
    ::operator delete(filled(::operator new(MIB), MIB), std::nothrow);
    ::operator delete[](filled(::operator new[](MIB), MIB), std::nothrow);
    ::operator delete(filled(::operator new(MIB, WIDE), MIB), WIDE);
    ::operator delete[](filled(::operator new[](MIB, WIDE), MIB), WIDE);
    ::operator delete(filled(::operator new(MIB, WIDE), MIB), MIB, WIDE);
    ::operator delete[](filled(::operator new[](MIB, WIDE), MIB), MIB, WIDE);
    ::operator delete(filled(::operator new(MIB, WIDE), MIB), WIDE, std::nothrow);
    ::operator delete[](filled(::operator new[](MIB, WIDE), MIB), WIDE, std::nothrow);
}

// How many exceptions of two came, for more than there is.
extern "C" int ask_too_much() {
    volatile std::size_t much = (std::size_t)1 << 62;
    int thrown = 0;
    try {
        filled(::operator new(much), 1);
    } catch (const std::bad_alloc &) {
        thrown++;
    }
    try {
        filled(::operator new[](much, WIDE), 1);
    } catch (const std::bad_alloc &) {
        thrown++;
    }
    return thrown;
}
