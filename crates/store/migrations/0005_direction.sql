-- Agents call out, too: who began a call.
ALTER TABLE call_records ADD COLUMN direction TEXT NOT NULL DEFAULT 'inbound';
