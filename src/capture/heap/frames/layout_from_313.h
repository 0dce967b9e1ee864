/* What frames and threads of CPython 3.13 and later have alike; the file of the version includes
 * first what declares a frame there. */

static inline const _PyInterpreterFrame *mp_frame_innermost(PyThreadState *thread)
{
    return thread->current_frame;
}

static inline void mp_frame_set_innermost(PyThreadState *thread,
                                          const _PyInterpreterFrame *frame)
{
    thread->current_frame = (_PyInterpreterFrame *)frame;
}

static inline const _Py_CODEUNIT *mp_frame_instruction(const _PyInterpreterFrame *frame)
{
    return frame->instr_ptr;
}

/* Whether somebody is told of every new object, who may wait for a lock: tracemalloc is. */
static inline bool mp_objects_are_traced(void)
{
    void *data;
    return PyRefTracer_GetTracer(&data) != NULL;
}

/* Of the thread that holds the interpreter's lock; NULL in any other. */
static inline PyThreadState *mp_thread_holding(void)
{
    return PyThreadState_GetUnchecked();
}

/* The calling thread's own state if it holds its interpreter's lock, else NULL. */
static inline PyThreadState *mp_thread_with_lock(void)
{
    return mp_thread_holding();
}
