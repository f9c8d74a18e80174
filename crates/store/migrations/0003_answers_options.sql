-- Whether a registered phone said that it takes OPTIONS: only then it is asked after a restart.
ALTER TABLE registrations ADD COLUMN answers_options BIGINT NOT NULL DEFAULT 0;
