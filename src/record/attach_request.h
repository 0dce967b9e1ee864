/* How the text that a process is given to run names the file and the page: PyRun_SimpleString() compiles
 * it, and MP_ATTACH_RUN, which the core exports, reads these two where memory_profiler is loaded.
 */
#ifndef MP_RECORD_ATTACH_REQUEST_H
#define MP_RECORD_ATTACH_REQUEST_H

#define MP_ATTACH_RUN "mp_attach_run"
#define MP_ASKED_FILE "fromhex('" /* its bytes, in hexadecimal digits */
#define MP_ASKED_PAGE "'page': "

/* A request begins with what is asked, a text between these. */
#define MP_ASKED_BEGIN "asked = '''"
#define MP_ASKED_END "'''"

#endif
