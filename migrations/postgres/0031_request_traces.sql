-- Where who asks for a rotation stands in a distributed trace (W3C traceparent), so that the rotator goes on from there.
--
-- Expand: the version before leaves it NULL.

ALTER TABLE rotation_requests ADD COLUMN trace_parent text CHECK (length(trace_parent) = 55);

GRANT INSERT (trace_parent), UPDATE (trace_parent) ON rotation_requests TO token_broker_api;
