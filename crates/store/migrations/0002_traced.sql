-- One more kind of fact is part of the audit: someone looked at a call's SIP messages.
DROP INDEX facts_of_audit;
CREATE INDEX facts_of_audit ON facts (wall_us, site, epoch, seq)
    WHERE kind IN ('session_opened', 'refused', 'unmasked', 'played', 'traced');
