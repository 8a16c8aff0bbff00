"""Two commits side by side: what ``gluonmark gate`` measures.  It decides nothing: ``reports/verdict/`` does.

    commits.py      each commit becomes a folder of its own, in a temporary place
    plan.py         which cases, how many seconds; everything a person asked for, validated
    building.py     every case is prepared once on both sides, compiled into the cache and proved right
    block.py        one observation of every case: a fresh process for each side, driven in lock step
    stages.py       blocks of all cases, then blocks of the suspects, within the budget
    record.py       what was measured, a line at a time, as it comes

The unit of evidence is a pair of fresh processes that live at the same time.  Where two processes of the same code
differ by 3 to 5 %, samples of one pair say nothing beyond that pair, however many they are: what a process cannot
change any more (addresses, hash seeds, which core it woke up on) is drawn anew with the next one.  Within a pair, short
samples alternate, so that what disturbs the machine disturbs both.
"""
