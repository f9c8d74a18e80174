#!/usr/bin/env python3
"""Make the tone after which a caller speaks: tone.py [OUT.wav], by default prompts/mailbox_tone.wav.

1,000 Hz for four tenths of a second (8 kHz, mono, 16-bit; at -10 dB, its edges rounded off so that
they do not click). Only Python's standard library; the same bytes on every run.
"""
import array, math, pathlib, sys, wave

RATE = 8000
HERTZ, LENGTH = 1000, 4 * RATE // 10
PEAK = 10 ** (-10 / 20)
EDGE = RATE // 100  # samples: 10 ms


def sample(n):
    edge = min(1.0, n / EDGE, (LENGTH - n) / EDGE)
    return round(32767 * PEAK * edge * math.sin(2 * math.pi * HERTZ * n / RATE))


def main():
    here = pathlib.Path(__file__).parent
    out = sys.argv[1] if len(sys.argv) > 1 else here / "prompts/mailbox_tone.wav"
    with wave.open(str(out), "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes(array.array("h", map(sample, range(LENGTH))).tobytes())


main()
