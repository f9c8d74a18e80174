-- Everyone who was in a call, and whom it was given to: JSON lists, as the offers are.
ALTER TABLE call_records ADD COLUMN legs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE call_records ADD COLUMN transfers TEXT NOT NULL DEFAULT '[]';
