/* By what the lines of a heap can be sorted. */
#ifndef MP_AGGREGATE_HEAP_ORDER_H
#define MP_AGGREGATE_HEAP_ORDER_H

enum mp_heap_order {
    MP_HEAP_BY_PEAK,   /* what held the peak */
    MP_HEAP_BY_LIVE,   /* what is still there */
    MP_HEAP_BY_CHURN,  /* what allocates and frees at once */
    MP_HEAP_BY_GROWTH, /* what grew most, where a range is shown */
    MP_HEAP_BY_SHRINKING,
    MP_HEAP_ORDERS
};

#endif
