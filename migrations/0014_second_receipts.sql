-- A prepayment has a second receipt (54-FZ) once what it bought is given: docs/EVENTS.md, `receipts_due`.
-- Nothing until it is known how that ended; then the receipt's id, or a word.
ALTER TABLE chat_contexts ADD COLUMN second_receipt text;
CREATE INDEX chat_contexts_receipts_due ON chat_contexts (subject) WHERE email IS NOT NULL AND second_receipt IS NULL;
