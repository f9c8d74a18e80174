-- Legal hold: since when, by whom and why.
ALTER TABLE recordings ADD COLUMN held_us BIGINT;
ALTER TABLE recordings ADD COLUMN held_by TEXT;
ALTER TABLE recordings ADD COLUMN held_why TEXT;
-- What is about to be deleted: its `doom` is JSON. Then the certificate of that.
ALTER TABLE recordings ADD COLUMN doom TEXT;
ALTER TABLE recordings ADD COLUMN deleted_us BIGINT;
ALTER TABLE recordings ADD COLUMN certificate_number BIGINT;
ALTER TABLE recordings ADD COLUMN certificate TEXT;
-- What is there, by age: it is looked some times a day what is due.
CREATE INDEX recordings_kept ON recordings (started_us, recording_id) WHERE deleted_us IS NULL;
CREATE INDEX recordings_certified ON recordings (site, certificate_number)
    WHERE certificate_number IS NOT NULL;
