-- Facts are read by call, in their order, or as the audit: by time alone nobody asks for them, and
-- each fact that is written paid for an index of it.
DROP INDEX facts_by_time;
