-- Every agent who took part in a call, not only who had it last: their own lists of calls.
CREATE TABLE call_parties (
    call_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    arrived_us BIGINT NOT NULL,
    PRIMARY KEY (call_id, agent)
);
CREATE INDEX call_parties_of_agent ON call_parties (agent, arrived_us, call_id);
INSERT INTO call_parties (call_id, agent, arrived_us)
    SELECT call_id, agent, arrived_us FROM call_records WHERE agent IS NOT NULL;
