-- Messages: recordings of callers who spoke with nobody, for the people of a queue; when one was
-- complete, and who has dealt with it.
ALTER TABLE recordings ADD COLUMN mailbox TEXT;
ALTER TABLE recordings ADD COLUMN message_us BIGINT;
ALTER TABLE recordings ADD COLUMN done_us BIGINT;
ALTER TABLE recordings ADD COLUMN done_by TEXT;
CREATE INDEX recordings_of_mailbox ON recordings (mailbox, started_us, recording_id)
    WHERE mailbox IS NOT NULL;
