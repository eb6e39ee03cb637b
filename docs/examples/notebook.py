"""The Python API in a dozen lines: python docs/examples/notebook.py SONG RESULTS

SONG is any audio file; RESULTS is what the workflow wrote, or `dropgrid analyze`.
"""

import sys
from collections import Counter

from dropgrid.api import analyze, load_library

song, results = sys.argv[1:3]

track = analyze(song, config={"bpm": {"min_bpm": 60}})
if track.ok:
    print(
        f"{track.path}: {track.bpm.bpm:.2f} BPM, first downbeat at {track.bpm.downbeats[0]:.3f} s"
    )
    for section in track.structure.sections:
        print(f"  {section.start:7.2f} to {section.end:7.2f} s  {section.label}")

library = load_library(results)
tempos = Counter(round(t.bpm.bpm) for t in library if t.ok and t.bpm.bpm is not None)
print(f"{len(library)} tracks, {sum(not t.ok for t in library)} failed")
for bpm, count in sorted(tempos.items()):
    print(f"  {bpm:3d} BPM: {count}")
