ALTER TABLE sessions VALIDATE CONSTRAINT sessions_end_reason;
