/* Who asks a process for its objects, one after the other: there is one place for an answer. */
#ifndef MP_CMD_HEAP_OBJECTS_TURN_H
#define MP_CMD_HEAP_OBJECTS_TURN_H

/* Waits until no other mprof asks the process, and says for whom where that takes long. `*turn` is to
   be closed once the answer is read; -1: there is no such process, or no such locks. 0, or the exit code, and why
   was said. */
int mp_heap_objects_take_turn(int *turn, const char *pid);

#endif
