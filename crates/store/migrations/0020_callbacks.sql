-- The call whose caller asked to be called back by this one.
ALTER TABLE call_records ADD COLUMN callback_of TEXT;
