-- The request that caused the event. An attempt, which may be made days later by another node, has its
-- span in the trace of that request.
ALTER TABLE deliveries ADD COLUMN traceparent text;
