-- Since when a recording's file is an archive, how long that is, and its SHA-256.
ALTER TABLE recordings ADD COLUMN archived_us BIGINT;
ALTER TABLE recordings ADD COLUMN archived_bytes BIGINT;
ALTER TABLE recordings ADD COLUMN archived_sha256 TEXT;
-- What may be archived, by age: it is looked some times a day.
CREATE INDEX recordings_unarchived ON recordings (started_us, recording_id)
    WHERE archived_us IS NULL AND deleted_us IS NULL AND sha256 IS NOT NULL;
