-- Where a call went that a queue did not take, or kept no longer.
ALTER TABLE call_records ADD COLUMN overflows TEXT NOT NULL DEFAULT '[]';
