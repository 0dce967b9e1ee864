/* The balance sheet's readings of the capture that is being recorded (struct mp_heap_balance): at
 * its start, at its end, and one near the peak, the one at which the heap was largest.
 *
 *     heap      ▁▂▃▄▄▅▆▇▇█▆▃▂   the peak is not known before it is over: a reading is due where the
 *     readings  ■ ■ ■  ■ ■ ■    heap is larger than at the last one; all take a hundredth of
 *                               the time, but for those of a heap half as large again
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_BALANCE_H
#define MP_CAPTURE_HEAP_PYTHON_BALANCE_H

/* Before recording begins, its accounts being open and its arenas followed. The caller has the interpreter's lock, here and
   below; readings near the peak then come with the ledger's readings of the clock. */
void mp_recording_balance_start(void);

/* After it has ended, the accounts being open still, without the biased lock. */
void mp_recording_balance_end(void);

#endif
