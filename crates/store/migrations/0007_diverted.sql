-- The number that was dialled first, where a call was diverted to ours.
ALTER TABLE call_records ADD COLUMN diverted_from TEXT;
