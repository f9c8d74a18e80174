-- The agent who looks after a customer (专属座席), if one does.
ALTER TABLE customers ADD COLUMN steward TEXT;
