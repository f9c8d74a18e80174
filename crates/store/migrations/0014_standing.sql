-- What is still so as facts once said: callbacks that wait, plans that are on, for a start of the engine to read. A topic
-- has its last fact for as long as it is so.
CREATE TABLE standing (
    site   BIGINT NOT NULL,
    topic  TEXT NOT NULL,
    epoch  BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (site, topic)
);
-- What supervisors do to calls, agents and queues is part of the audit.
DROP INDEX facts_of_audit;
CREATE INDEX facts_of_audit ON facts (wall_us, site, epoch, seq)
    WHERE kind IN ('session_opened', 'refused', 'unmasked', 'played', 'traced', 'steered',
                   'plan_switched');
