"""The tables of Engine DJ's `Database2/m.db`, in each form that its programs have made.

Engine keeps its database in order by triggers: a new track gets its row of performance data, a
new playlist its place among its neighbours. So rows go in through them. Read from databases that
Engine DJ Desktop 3.0.1 to 5.0.0 made.
"""

from __future__ import annotations

from typing import NamedTuple


class Schema(NamedTuple):
    """The features of a version of the database; newer versions have more.

    smartlists: has the table of them. rounded: tracks are found by their rounded tempo.
    separate: performance data is a table, not a view of the tracks. watched: its changes count as
    changes of the track. art_hash: tracks have a digest of their artwork.
    """

    smartlists: bool = True
    rounded: bool = True
    separate: bool = True
    watched: bool = True
    art_hash: bool = True


SCHEMAS = {
    "2.20.3": Schema(False, False, False, False, False),  # Engine DJ Desktop 3.0
    "2.21.0": Schema(True, False, False, False, False),  # 3.1 to 3.4
    "2.21.2": Schema(True, True, False, False, False),  # 4.0
    "3.0.0": Schema(True, True, True, False, False),  # 4.1, 4.2
    "3.0.1": Schema(True, True, True, True, False),  # 4.3
    "3.0.2": Schema(),  # 4.5 and 5.0
}
NEWEST = "3.0.2"

PRIMARY = "INTEGER PRIMARY KEY AUTOINCREMENT"
BLOBS = ("trackData", "overviewWaveFormData", "beatData", "quickCues", "loops")
SOURCE, ON_LOAD = "thirdPartySourceId", "activeOnLoadLoops"
TRACK = (
    f"id {PRIMARY}", "playOrder INTEGER", "length INTEGER", "bpm INTEGER", "year INTEGER",
    "path TEXT", "filename TEXT", "bitrate INTEGER", "bpmAnalyzed REAL", "albumArtId INTEGER",
    "fileBytes INTEGER", "title TEXT", "artist TEXT", "album TEXT", "genre TEXT", "comment TEXT",
    "label TEXT", "composer TEXT", "remixer TEXT", "key INTEGER", "rating INTEGER",
    "albumArt TEXT", "timeLastPlayed DATETIME", "isPlayed BOOLEAN", "fileType TEXT",
    "isAnalyzed BOOLEAN", "dateCreated DATETIME", "dateAdded DATETIME", "isAvailable BOOLEAN",
    "isMetadataOfPackedTrackChanged BOOLEAN", "isPerfomanceDataOfPackedTrackChanged BOOLEAN",
    "playedIndicator INTEGER", "isMetadataImported BOOLEAN", "pdbImportKey INTEGER",
    "streamingSource TEXT", "uri TEXT", "isBeatGridLocked BOOLEAN", "originDatabaseUuid TEXT",
    "originTrackId INTEGER",
)  # fmt: skip
EDITED = (
    "length", "bpm", "year", "filename", "bitrate", "bpmAnalyzed", "albumArtId", "title",
    "artist", "album", "genre", "comment", "label", "composer", "remixer", "key", "rating",
    "albumArt", "fileType", "isAnalyzed", "isBeatgridLocked",
)  # fmt: skip
INDICES = {
    "AlbumArt": ("hash",),
    "Track": ("filename", "albumArtId", "uri", "title", "length", "rating", "year", "dateAdded",
              "genre", "artist", "album", "key"),
    "PreparelistEntity": ("trackId",),
}  # fmt: skip
NOW = "strftime('%s')"

_TABLES = f"""
CREATE TABLE Information (id {PRIMARY}, uuid TEXT, schemaVersionMajor INTEGER,
  schemaVersionMinor INTEGER, schemaVersionPatch INTEGER, currentPlayedIndiciator INTEGER,
  lastRekordBoxLibraryImportReadCounter INTEGER);
CREATE TABLE AlbumArt (id {PRIMARY}, hash TEXT, albumArt BLOB);
CREATE TABLE Pack (id {PRIMARY}, packId TEXT, changeLogDatabaseUuid TEXT, changeLogId INTEGER,
  lastPackTime DATETIME);
CREATE TABLE Playlist (id {PRIMARY}, title TEXT, parentListId INTEGER, isPersisted BOOLEAN,
  nextListId INTEGER, lastEditTime DATETIME, isExplicitlyExported BOOLEAN,
  CONSTRAINT C_NAME_UNIQUE_FOR_PARENT UNIQUE (title, parentListId),
  CONSTRAINT C_NEXT_LIST_ID_UNIQUE_FOR_PARENT UNIQUE (parentListId, nextListId));
CREATE TABLE PlaylistEntity (id {PRIMARY}, listId INTEGER, trackId INTEGER, databaseUuid TEXT,
  nextEntityId INTEGER, membershipReference INTEGER,
  CONSTRAINT C_NAME_UNIQUE_FOR_LIST UNIQUE (listId, databaseUuid, trackId),
  FOREIGN KEY (listId) REFERENCES Playlist (id) ON DELETE CASCADE);
CREATE TABLE PreparelistEntity (id {PRIMARY}, trackId INTEGER, trackNumber INTEGER,
  FOREIGN KEY (trackId) REFERENCES Track (id) ON DELETE CASCADE);
"""
_SMARTLISTS = """
CREATE TABLE Smartlist (listUuid TEXT NOT NULL PRIMARY KEY, title TEXT, parentPlaylistPath TEXT,
  nextPlaylistPath TEXT, nextListUuid TEXT, rules TEXT, lastEditTime DATETIME,
  CONSTRAINT C_NAME_UNIQUE_FOR_PARENT UNIQUE (title, parentPlaylistPath),
  CONSTRAINT C_NEXT_LIST_UNIQUE_FOR_PARENT
    UNIQUE (parentPlaylistPath, nextPlaylistPath, nextListUuid));
"""
_VIEWS = """
CREATE VIEW ChangeLog (id, trackId) AS SELECT 0, 0 WHERE FALSE;
CREATE VIEW PlaylistAllParent AS
  WITH FindAllParent AS (
    SELECT id, parentListId FROM Playlist
    UNION ALL
    SELECT below.id, above.parentListId FROM Playlist above
      INNER JOIN FindAllParent below ON below.parentListId = above.id)
  SELECT * FROM FindAllParent;
CREATE VIEW PlaylistAllChildren AS
  WITH FindAllChild AS (
    SELECT id, id AS childListId FROM Playlist
    UNION ALL
    SELECT above.id, below.id FROM Playlist below
      INNER JOIN FindAllChild above ON above.childListId = below.parentListId)
  SELECT * FROM FindAllChild WHERE id <> childListId;
CREATE VIEW PlaylistPath AS
  WITH RECURSIVE Above AS (
    SELECT id AS child, parentListId AS parent, title AS name, 1 AS depth FROM Playlist
    UNION ALL
    SELECT child, list.parentListId, list.title, above.depth + 1 FROM Playlist list
      JOIN Above above ON above.parent = list.id
    ORDER BY depth DESC),
  Ordered AS (
    SELECT id, nextListId, 1 AS position FROM Playlist WHERE nextListId = 0
    UNION ALL
    SELECT list.id, list.nextListId, behind.position + 1 FROM Playlist list
      INNER JOIN Ordered behind ON list.nextListId = behind.id),
  Named AS (
    SELECT child AS id, GROUP_CONCAT(name, ';') || ';' AS path
      FROM (SELECT child, name FROM Above ORDER BY depth DESC) GROUP BY child)
  SELECT id, path, ROW_NUMBER() OVER (ORDER BY
      (SELECT COUNT(*) FROM (SELECT * FROM Above WHERE child = id)) DESC,
      (SELECT position FROM Ordered WHERE Ordered.id = list.id) ASC) AS position
    FROM Playlist list LEFT JOIN Named USING (id);
"""


def statements(version: str) -> str:
    """The SQL that creates an empty database of a version. Raises KeyError."""
    schema = SCHEMAS[version]
    parts = [_track_table(schema), _TABLES]
    if schema.smartlists:
        parts.append(_SMARTLISTS)
    parts.append(_performance_table() if schema.separate else _performance_view(schema))
    parts += [_VIEWS, _triggers(), _time_triggers(schema), _indices(schema)]
    return "".join(parts)


def _track_table(schema: Schema) -> str:
    columns = list(TRACK)
    flags = ["streamingFlags INTEGER", "explicitLyrics BOOLEAN"]
    if schema.separate:
        columns += flags
    else:
        columns += [f"{name} BLOB" for name in BLOBS] + [f"{SOURCE} INTEGER", *flags]
        columns.append(f"{ON_LOAD} INTEGER")
    columns.append("lastEditTime DATETIME")
    if schema.art_hash:
        columns.append("albumArtSourceHash CHAR(40)")
    columns += [
        "CONSTRAINT C_originDatabaseUuid_originTrackId UNIQUE (originDatabaseUuid, originTrackId)",
        "CONSTRAINT C_path UNIQUE (path)",
        "FOREIGN KEY (albumArtId) REFERENCES AlbumArt (id) ON DELETE RESTRICT",
    ]
    return f"CREATE TABLE Track ({', '.join(columns)});\n"


def _performance_table() -> str:
    blobs = ", ".join(f"{name} BLOB" for name in BLOBS)
    return f"""
CREATE TABLE PerformanceData (trackId INTEGER PRIMARY KEY, {blobs}, {SOURCE} INTEGER,
  {ON_LOAD} INTEGER,
  FOREIGN KEY(trackId) REFERENCES Track(id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TRIGGER trigger_after_insert_Track_insert_performance_data AFTER INSERT ON Track
  BEGIN INSERT INTO PerformanceData(trackId) VALUES(NEW.id); END;
"""


def _performance_view(schema: Schema) -> str:
    """Performance data as a view of the tracks, which triggers make writable."""
    kept = ("isAnalyzed", *BLOBS, SOURCE, ON_LOAD)
    sets = ", ".join(f"{name} = NEW.{name}" for name in kept[1:])
    none = ", ".join(f"{name} = NULL" for name in kept[:-1])
    analyzed = "IFNULL(NEW.isAnalyzed, isAnalyzed)" if schema.rounded else "NEW.isAnalyzed"
    each = "".join(
        f"CREATE TRIGGER trigger_instead_update_{name}_PerformanceData "
        f"INSTEAD OF UPDATE OF {name} ON PerformanceData FOR EACH ROW BEGIN "
        f"UPDATE Track SET {name} = NEW.{name} "
        "WHERE Track.id = NEW.trackId; END;\n"
        for name in kept
    )
    return f"""
CREATE VIEW PerformanceData AS SELECT id AS trackId, {", ".join(kept)} FROM Track;
CREATE TRIGGER trigger_instead_insert_PerformanceData INSTEAD OF INSERT ON PerformanceData
  FOR EACH ROW BEGIN
    UPDATE Track SET isAnalyzed = {analyzed}, {sets}
      WHERE Track.id = NEW.trackId; END;
CREATE TRIGGER trigger_instead_delete_PerformanceData INSTEAD OF DELETE ON PerformanceData
  FOR EACH ROW BEGIN UPDATE Track SET {none} WHERE Track.id = OLD.trackId; END;
{each}"""


def _triggers() -> str:
    origin = """
    WHEN IFNULL(NEW.originTrackId, 0) = 0 OR IFNULL(NEW.originDatabaseUuid, '') = '' BEGIN
    UPDATE Track SET originTrackId = NEW.id, originDatabaseUuid = (SELECT uuid FROM Information)
      WHERE track.id = NEW.id; END;"""
    return f"""
CREATE TRIGGER trigger_after_insert_Track_check_id AFTER INSERT ON Track
  WHEN NEW.id <= (SELECT seq FROM sqlite_sequence WHERE name = 'Track')
  BEGIN SELECT RAISE(ABORT, 'Recycling deleted track id''s are not allowed'); END;
CREATE TRIGGER trigger_after_update_Track_check_Id BEFORE UPDATE ON Track
  WHEN NEW.id <> OLD.id
  BEGIN SELECT RAISE(ABORT, 'Changing track id''s are not allowed'); END;
CREATE TRIGGER trigger_after_insert_Track_fix_origin AFTER INSERT ON Track{origin}
CREATE TRIGGER trigger_after_update_Track_fix_origin AFTER UPDATE ON Track{origin}
CREATE TRIGGER trigger_before_insert_List BEFORE INSERT ON Playlist FOR EACH ROW BEGIN
  UPDATE Playlist SET nextListId = -(1 + nextListId)
    WHERE nextListId = NEW.nextListId AND parentListId = NEW.parentListId; END;
CREATE TRIGGER trigger_after_insert_List AFTER INSERT ON Playlist FOR EACH ROW BEGIN
  UPDATE Playlist SET nextListId = NEW.id
    WHERE nextListId = -(1 + NEW.nextListId) AND parentListId = NEW.parentListId; END;
CREATE TRIGGER trigger_after_delete_List AFTER DELETE ON Playlist FOR EACH ROW BEGIN
  UPDATE Playlist SET nextListId = OLD.nextListId WHERE nextListId = OLD.id;
  DELETE FROM Playlist WHERE parentListId = OLD.id; END;
CREATE TRIGGER trigger_after_update_isPersistParent AFTER UPDATE ON Playlist
  WHEN (old.isPersisted = 0 AND new.isPersisted = 1)
    OR (old.parentListId != new.parentListId AND new.isPersisted = 1) BEGIN
  UPDATE Playlist SET isPersisted = 1
    WHERE id IN (SELECT parentListId FROM PlaylistAllParent WHERE id = new.id); END;
CREATE TRIGGER trigger_after_update_isPersistChild AFTER UPDATE ON Playlist
  WHEN old.isPersisted = 1 AND new.isPersisted = 0 BEGIN
  UPDATE Playlist SET isPersisted = 0
    WHERE id IN (SELECT childListId FROM PlaylistAllChildren WHERE id = new.id); END;
CREATE TRIGGER trigger_after_insert_isPersist AFTER INSERT ON Playlist
  WHEN new.isPersisted = 1 BEGIN
  UPDATE Playlist SET isPersisted = 1
    WHERE id IN (SELECT parentListId FROM PlaylistAllParent WHERE id = new.id); END;
CREATE TRIGGER trigger_before_delete_PlaylistEntity BEFORE DELETE ON PlaylistEntity
  WHEN OLD.trackId > 0 BEGIN
  UPDATE PlaylistEntity SET nextEntityId = OLD.nextEntityId
    WHERE nextEntityId = OLD.id AND listId = OLD.listId; END;
CREATE TRIGGER trigger_after_insert_Pack_timestamp AFTER INSERT ON Pack FOR EACH ROW
  WHEN NEW.lastPackTime IS NULL BEGIN
  UPDATE Pack SET lastPackTime = {NOW} WHERE ROWID = NEW.ROWID; END;
CREATE TRIGGER trigger_after_insert_Pack_changeLogId AFTER INSERT ON Pack FOR EACH ROW
  WHEN NEW.changeLogId = 0 BEGIN
  UPDATE Pack SET changeLogId = 1 WHERE ROWID = NEW.ROWID; END;
"""


def _time_triggers(schema: Schema) -> str:
    """The triggers that store the time of a track's last change."""
    fields = ", ".join((*EDITED, "explicitLyrics"))
    if schema.watched:
        watched = ", ".join((BLOBS[0], "isAnalyzed", *BLOBS[1:], ON_LOAD))
        return f"""
CREATE TRIGGER trigger_after_update_only_Track_timestamp AFTER UPDATE OF {fields} ON Track
  FOR EACH ROW BEGIN UPDATE Track SET lastEditTime = {NOW} WHERE ROWID = NEW.ROWID; END;
CREATE TRIGGER trigger_PerformanceData_after_update_Track_timestamp
  AFTER UPDATE OF {watched} ON PerformanceData FOR EACH ROW BEGIN
  UPDATE Track SET lastEditTime = {NOW} WHERE id = NEW.trackId; END;
"""
    fields = ", ".join((*EDITED, *BLOBS, "explicitLyrics", ON_LOAD))
    return f"""
CREATE TRIGGER trigger_after_update_Track_timestamp AFTER UPDATE OF {fields} ON Track
  FOR EACH ROW BEGIN UPDATE Track SET lastEditTime = {NOW} WHERE ROWID = NEW.ROWID; END;
"""


def _indices(schema: Schema) -> str:
    plain = "".join(
        f"CREATE INDEX index_{table}_{column} ON {table} ({column});\n"
        for table, columns in INDICES.items()
        for column in columns
    )
    tempo = "CAST(bpmAnalyzed + 0.5 AS int)" if schema.rounded else "bpmAnalyzed"
    return (
        f"{plain}CREATE INDEX index_Track_bpmAnalyzed ON Track({tempo});\n"
        "CREATE INDEX index_PlaylistEntity_nextEntityId_listId "
        "ON PlaylistEntity(nextEntityId, listId);\n"
    )
