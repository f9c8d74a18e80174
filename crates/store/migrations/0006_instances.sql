-- The identity of a registered phone (+sip.instance, RFC 5626) and which of its ways it is (reg-id).
ALTER TABLE registrations ADD COLUMN instance TEXT;
ALTER TABLE registrations ADD COLUMN reg_id BIGINT;
