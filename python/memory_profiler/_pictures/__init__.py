"""Pictures of `mprof plot`, drawn with matplotlib, which only they import.

    drawn      in the style of the page
    classic    in the look of 0.61
    whole      many recordings: band and lanes
    spending   what the calls of a function did to memory
    words      durations, sizes and ticks
    common     what both styles are made with

Imported by `plot`. Imports nothing of ours.
"""
