"""References: annotations of the tracks by people or other programs, in all common formats.

Formats (a folder is searched for all of them; names that begin with a dot are skipped)
-------
json        `.json`: an object for one track, a list of such objects, or an object of them keyed
            by track. Fields, all but one optional: `track` or `path` (without either, the
            file's own stem names the track), `bpm`, `beats`, `downbeats`, `boundaries`
            (seconds), `sections`, `duration`, `genre`, `time_signature`, `first_downbeat`,
            `key` ("A minor", "Am", "8A", "1m" ...).
            A section is `start`, `end` in seconds, or `start_bar`, `end_bar` (bars count from
            1 at `first_downbeat`, `end_bar` is exclusive; needs `bpm` and `first_downbeat`),
            and `label`. Schema: workflow/schemas/references.schema.json.
jams        `.jams`: namespaces tempo, beat, beat_position, segment_* and key_mode; the first of
            each. If there are several keys, the longest counts.
csv         `.csv`, `.tsv`: a header, then one row per track or section. Columns: `track` or
            `path`; `bpm`, `genre`, `start`, `end`, `start_bar`, `end_bar`, `label`,
            `first_downbeat`, `time_signature`, `key`. Values of the whole track may be in any
            of its rows, and need not be repeated.
beats       `.beats`, `.txt`: one line per beat: time, and optionally its position in the bar (1 is
            the downbeat) and the bar. A `.txt` of time and label is read as `lab`.
lab         `.lab`: one line per section: start, end, label; or start, label, where
            the last line (`end`) only marks the end of the last section.
rekordbox   `.xml`: AverageBpm, TEMPO (beats and downbeats), POSITION_MARK cues named after a
            section (`Drop`, `Breakdown 2`): the section lasts to the next such cue.
            Tonality, in any notation.
key         `.key`: one line, `D minor` as in GiantSteps, or tonic, tab, mode as in MIREX.
traktor     `.nml`: BPM, MUSICAL_KEY (or the KEY of INFO) and GENRE of each entry, its grid markers
            (beats and downbeats) and, as in rekordbox, cues named after a section.
mixxx       `.sqlite`: Mixxx's library, mixxxdb.sqlite: BPM, key, genre, beats, named cues.
serato      not a file: the word `serato` in the list means the grids and named cues that Serato
            wrote into the audio files; data that dropgrid wrote there is ignored.
tags        not a file: the word `tags` in the list means the BPM and key tags of the audio files.
corrections the word `corrections`: the user's corrections and confirmations (docs/corrections.md).

Preference: for each field (BPM, beats, downbeats, sections, genre, key), the first source in the
list wins; within one folder, the first format above. If two sources of the same rank disagree, the
field is ambiguous: it is reported and left out. So is a reference that matches no track of the
library, or several.

Labels are intro, buildup, main, drop, breakdown, outro in any case, or one of SYNONYMS. json, csv
and rekordbox allow no other labels. jams and lab allow any label: a label not in this list
(`chorus`) counts for boundaries and grouping, and the track is left out of the label metrics.

Times of rekordbox, Traktor, Mixxx and Serato count from sample 0 of those programs; for an MP3
they are shifted to sample 0 of the analysis (dropgrid.audio.mp3; inferred for all but Mixxx).

All values are checked when they are read: InvalidReference names file, line and field.
"""

from __future__ import annotations
