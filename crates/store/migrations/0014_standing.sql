-- What is still so as facts once said: callbacks that wait, for a start of the engine to read. A topic
-- has its last fact for as long as it is so.
CREATE TABLE standing (
    site   BIGINT NOT NULL,
    topic  TEXT NOT NULL,
    epoch  BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (site, topic)
);
