-- The index and the records of jobs in one SQLite database. Every statement can be repeated:
-- several processes may open a new database at once.

-- One row a resource. Wide rows are appended in order of arrival; what is looked up by hash
-- stands in two narrow indexes.
CREATE TABLE IF NOT EXISTS resource (
    pk                INTEGER PRIMARY KEY,
    level             INTEGER NOT NULL CHECK (level BETWEEN 0 AND 3), -- patient, study, series, instance
    id                TEXT NOT NULL,
    parent            INTEGER REFERENCES resource CHECK ((parent IS NULL) = (level = 0)),
    main_tags         TEXT NOT NULL, -- JSON {"gggg,eeee": value}
    metadata          TEXT NOT NULL, -- JSON {name: value, or [value, revision] once it was changed}
    last_update       TEXT,          -- above instances
    patient_main_tags TEXT,          -- of studies: as their first instance had them
    object_key        TEXT,          -- of instances, as what follows
    object_version    TEXT,
    size              INTEGER,
    md5               TEXT,          -- empty unless OverwriteInstances compares
    crc32             INTEGER        -- of what was stored; NULL where earlier versions stored it
);

-- Instances are found by hash, and listed in the order of their Orthanc ids.
CREATE UNIQUE INDEX IF NOT EXISTS resource_id ON resource (level, id);
CREATE INDEX IF NOT EXISTS resource_child ON resource (parent, id);

CREATE TABLE IF NOT EXISTS label (
    resource INTEGER NOT NULL REFERENCES resource ON DELETE CASCADE,
    label    TEXT NOT NULL,
    PRIMARY KEY (resource, label)
) WITHOUT ROWID;

-- Counting a million rows for /statistics would read them all.
CREATE TABLE IF NOT EXISTS total (
    level INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
INSERT OR IGNORE INTO total VALUES (0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0);

CREATE TRIGGER IF NOT EXISTS resource_added AFTER INSERT ON resource BEGIN
    UPDATE total SET count = count + 1, bytes = bytes + ifnull(NEW.size, 0) WHERE level = NEW.level;
END;

CREATE TRIGGER IF NOT EXISTS resource_removed AFTER DELETE ON resource BEGIN
    UPDATE total SET count = count - 1, bytes = bytes - ifnull(OLD.size, 0) WHERE level = OLD.level;
END;

-- Objects without an entry whose files are to be erased: named with the deletion of the entry,
-- dropped when the folders on the disk no longer name the files.
CREATE TABLE IF NOT EXISTS outbox (
    object_key TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS property (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS job (
    id       TEXT PRIMARY KEY,
    created  TEXT NOT NULL,
    is_final INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL, -- JSON
    content  TEXT NOT NULL  -- JSON, as large as the job
);
CREATE INDEX IF NOT EXISTS job_alive ON job (id) WHERE NOT is_final;

-- What was asked, as it also stands in the folder of the job. A power cut may leave that file empty
-- where nothing is synced; this is there as soon as the record is, and as long.
CREATE TABLE IF NOT EXISTS job_request (
    job      TEXT PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    document BLOB NOT NULL
);

-- Uploads past the API, which are forgotten after some weeks.
CREATE TABLE IF NOT EXISTS upload (
    id        TEXT PRIMARY KEY,
    forgotten TEXT NOT NULL,
    expires   TEXT NOT NULL,
    reached   INTEGER NOT NULL, -- the rank of its state
    record    TEXT NOT NULL,    -- JSON
    outcome   TEXT              -- JSON; NULL while it is pending
);
CREATE INDEX IF NOT EXISTS upload_forgotten ON upload (forgotten);

-- The number of the newest run of the server. Every write transaction compares it.
CREATE TABLE IF NOT EXISTS run (epoch INTEGER NOT NULL);
INSERT INTO run SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM run);
