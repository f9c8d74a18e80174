#!/usr/bin/env python3
"""Compose the music on hold: music.py [OUT.wav], by default prompts/music.wav beside this file.

A piece of our own of 16 bars in C: a plucked melody over broken chords and a soft pad. It is
written for the telephone (8 kHz, mono, 16-bit; only partials between 300 and 3400 Hz) and for
looping: what rings past the end rings on at the beginning, so that the seam cannot be heard.
Only Python's standard library; the same bytes on every run.
"""
import array, math, pathlib, sys, wave

RATE = 8000
BEAT = 5760  # samples: 0.72 s, 83 beats a minute
BARS, BEATS = 16, 4
LENGTH = BARS * BEATS * BEAT
LOUDNESS = 10 ** (-18 / 20)  # RMS of full scale
NAMES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

CHORDS = """
    C4 G4 C5 E5 | B3 G4 B4 D5 | A3 E4 A4 C5 | E4 G4 B4 E5
    F4 A4 C5 F5 | E4 G4 C5 E5 | D4 A4 C5 F5 | G4 B4 D5 G5
    C4 G4 C5 E5 | B3 G4 B4 D5 | A3 E4 A4 C5 | E4 G4 B4 E5
    F4 A4 C5 F5 | G4 B4 D5 F5 | C4 G4 C5 E5 | G4 B4 D5 G5
"""
# A note and its beats; "-" is a rest. Each bar adds up to four.
MELODY = """
    E5 1.5 G5 .5 C6 2 | B5 1 A5 .5 G5 .5 D5 2 | C5 1 E5 1 A5 1.5 G5 .5 | G5 1 E5 1 - 2
    F5 1.5 A5 .5 C6 1 A5 1 | G5 1.5 E5 .5 C5 2 | D5 1 F5 1 A5 1 C6 1 | B5 2 - 1 G5 1
    E6 1.5 D6 .5 C6 2 | D6 1 B5 1 G5 2 | A5 1 C6 .5 B5 .5 A5 1 E5 1 | G5 1.5 F5 .5 E5 2
    A5 1 C6 1 F5 1 A5 1 | G5 1 F5 .5 E5 .5 D5 1 B4 1 | C5 2 E5 1 G5 1 | D5 2 - 2
"""


def hertz(note):
    semitones = NAMES[note[0]] + 12 * (int(note[1:]) - 4) - 9  # from A4
    return 440 * 2 ** (semitones / 12)


def add(track, start, seconds, note, level, attack, decay, partials):
    """Add a note; beyond the end of the loop it goes on at its beginning."""
    for k, weight in enumerate(partials, 1):
        frequency = hertz(note) * k
        if not 300 <= frequency <= 3400:
            continue
        turn = 2 * math.pi * frequency / RATE
        fade = math.exp(-decay * k**0.7 / RATE)
        loudness = level * weight
        count = int(seconds * RATE)
        for n in range(count):
            edge = min(1.0, n / (attack * RATE), (count - n) / (0.05 * RATE))
            track[(start + n) % LENGTH] += loudness * edge * math.sin(turn * n)
            loudness *= fade


def compose():
    track = array.array("d", bytes(8 * LENGTH))
    chords = [bar for bar in CHORDS.replace("\n", "|").split("|") if bar.strip()]
    for bar, chord in enumerate(chords):
        notes, start = chord.split(), bar * BEATS * BEAT
        for eighth, voice in enumerate([0, 1, 2, 3, 2, 1, 2, 1]):
            begin, partials = start + eighth * BEAT // 2, [1, 0.5, 0.22, 0.1]
            add(track, begin, 1.6, notes[voice], 0.32, 0.01, 2.2, partials)
        for note in notes[1:]:
            add(track, start - BEAT // 4, 3.6, note, 0.11, 0.7, 0.15, [1, 0.25])
    at = 0
    for bar in MELODY.replace("\n", "|").split("|"):
        words = bar.split()
        for note, beats in zip(words[::2], words[1::2]):
            if note != "-":
                seconds, partials = 1.0 + float(beats) * 0.5, [1, 0.35, 0.15, 0.06]
                add(track, int(at), seconds, note, 0.6, 0.012, 1.8, partials)
            at += float(beats) * BEAT
    assert at == LENGTH, f"the melody lasts {at / BEAT} beats"
    return track


def echo(track):
    """A little room: three soft reflections, round the loop as well."""
    taps = [(int(RATE * s), level) for s, level in ((0.067, 0.22), (0.131, 0.16), (0.223, 0.1))]
    reflected = lambda n: sum(level * track[n - delay] for delay, level in taps)
    return [track[n] + reflected(n) for n in range(LENGTH)]


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "prompts/music.wav"
    track = echo(compose())
    scale = LOUDNESS / math.sqrt(sum(x * x for x in track) / LENGTH)
    peak = max(abs(x) for x in track) * scale
    assert peak < 0.7, f"the peak is {peak}"
    with wave.open(str(out), "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes(array.array("h", (round(x * scale * 32767) for x in track)).tobytes())


main()
