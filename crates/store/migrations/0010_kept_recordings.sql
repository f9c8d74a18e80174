-- How often a recording was paused, and whether it will never be whole.
ALTER TABLE recordings ADD COLUMN pauses BIGINT NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;
