#!/usr/bin/env python3
"""Make the ring-back tone: ringback.py [OUT.wav], by default prompts/ringback.wav beside this file.

What a caller of mainland China's networks hears while the other telephone rings: 450 Hz for one
second, then four seconds of silence (8 kHz, mono, 16-bit; the tone at -10 dB, its edges rounded off
so that they do not click). Only Python's standard library; the same bytes on every run.
"""
import array, math, pathlib, sys, wave

RATE = 8000
HERTZ, TONE, SILENCE = 450, RATE, 4 * RATE
PEAK = 10 ** (-10 / 20)
EDGE = RATE // 100  # samples: 10 ms


def sample(n):
    if n >= TONE:
        return 0
    edge = min(1.0, n / EDGE, (TONE - n) / EDGE)
    return round(32767 * PEAK * edge * math.sin(2 * math.pi * HERTZ * n / RATE))


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "prompts/ringback.wav"
    with wave.open(str(out), "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes(array.array("h", map(sample, range(TONE + SILENCE))).tobytes())


main()
