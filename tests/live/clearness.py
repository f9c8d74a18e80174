"""Prints how clear one voice is beside another, a line a pair: PESQ by ITU-T P.862, narrow band at
8 kHz, mapped to a listening quality of 1.02 to 4.55 by P.862.1.

    clearness.py SAID HEARD [SAID HEARD ...]     # 16-bit samples, 8,000 a second, without a header

The package `pesq` is the ITU's reference code, whose terms allow such measuring; it is a tool of
the tests and no part of what is shipped. `scripts/install-peers` installs it.
"""

import sys

import numpy
from pesq import pesq

RATE = 8_000


def samples(path):
    return numpy.fromfile(path, "<i2").astype(numpy.float32)


for said, heard in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    print(f"{pesq(RATE, samples(said), samples(heard), 'nb'):.3f}")
