/* Follows the blocks of malloc(3) and the mappings of mmap(2) that any object of the process asks
 * for, Python or not. Tells the functions of native_sink.h, which decide what is recorded.
 */
#ifndef MP_CAPTURE_HOOKS_NATIVE_H
#define MP_CAPTURE_HOOKS_NATIVE_H

/* Once a process; it stays. 0, or -1 with errno as mp_patch_install() says. */
int mp_native_install(void);

#endif
