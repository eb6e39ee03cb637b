"""References: what people or other programs say about the tracks, in every usual format.

Formats (a folder is searched for all of them; names beginning with a dot are skipped)
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
            each. Of several keys the one that lasts longest.
csv         `.csv`, `.tsv`: a header, then a row a track or a row a section. Columns: `track` or
            `path`; `bpm`, `genre`, `start`, `end`, `start_bar`, `end_bar`, `label`,
            `first_downbeat`, `time_signature`, `key`. Values of the whole track may stand in any
            of its rows, and need not be repeated.
beats       `.beats`, `.txt`: a line a beat: time, and optionally its position in the bar (1 is
            the downbeat) and the bar. A `.txt` of time and label is read as `lab`.
lab         `.lab`: a line a section: start, end, label; or start, label, where
            the last line (`end`) only says where the last section ends.
rekordbox   `.xml`: AverageBpm, TEMPO (beats and downbeats), POSITION_MARK cues named after a
            section (`Drop`, `Breakdown 2`): the section lasts to the next such cue.
            Tonality, in any notation.
key         `.key`: one line, `D minor` as GiantSteps has it, or tonic, tab, mode as MIREX does.
traktor     `.nml`: BPM, MUSICAL_KEY (or the KEY of INFO) and GENRE of each entry, its grid markers
            (beats and downbeats) and, as in rekordbox, cues named after a section.
mixxx       `.sqlite`: Mixxx's library, mixxxdb.sqlite: BPM, key, genre, beats, named cues.
serato      not a file: the word `serato` in the list means the grids and named cues that Serato
            has written into the audio files; what dropgrid wrote there is passed over.
tags        not a file: the word `tags` in the list means the BPM and key tags of the audio files.
corrections the word `corrections`: what a user corrected or confirmed (docs/corrections.md).

Preference: field by field (BPM, beats, downbeats, sections, genre, key), the source named first in
the list; within one folder, the format named first above. Two sources of the same rank that
disagree make the field ambiguous: it is reported and left out, as is a reference for a track
that is not in the library or could be several.

Labels are intro, buildup, main, drop, breakdown, outro in any case, or one of SYNONYMS. json, csv
and rekordbox know no others. jams and lab have vocabularies of their own: another label there
(`chorus`) counts for boundaries and grouping, and the track is left out of the label metrics.

Times of rekordbox, Traktor, Mixxx and Serato count from those programs' sample 0; of an MP3 they
are moved to that of the analysis (dropgrid.audio.mp3; inferred for all but Mixxx).

Everything is checked as it is read: InvalidReference names file, line and field.
"""

from __future__ import annotations
