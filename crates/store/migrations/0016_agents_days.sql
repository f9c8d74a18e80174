-- What an agent's day has come to, as the newest change tells: missed offers, turns, after-call work left.
ALTER TABLE agent_statuses ADD COLUMN day TEXT;
-- How an agent was at a moment is one step in here. All that an agent's change says is in its last one.
CREATE INDEX facts_of_agents ON facts (subject, site, epoch, seq) WHERE kind = 'agent_changed';
