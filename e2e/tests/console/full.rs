//! Tables as full as years make them, of what is operational: by SQL, past the services that would fill them.

use e2e::Stage;

/// $1: how many.
const ROWS: [&str; 12] = [
    "INSERT INTO staff (name, roles, position) SELECT 'person.' || n, ARRAY['finance', 'operator'], n FROM generate_series(1, least($1, 300)) n",
    "INSERT INTO staff_totp (name, id, secret, begun_at, on_at) \
     SELECT name, gen_random_uuid(), '\\x00', 0, 1 FROM staff WHERE name LIKE 'person.%7'",
    "INSERT INTO console_sessions (token_hash, name, began_at, seen_at, proven_at, address, browser) \
     SELECT sha256(n::text::bytea), CASE n % 40 WHEN 0 THEN 'admin' ELSE 'person.' || n % 300 + 1 END, now_us(), now_us(), 0, \
         '198.51.100.' || n % 256, 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0' \
     FROM generate_series(1, least($1, 1000)) n WHERE EXISTS (SELECT FROM staff WHERE name = 'person.' || n % 300 + 1)",
    "INSERT INTO api_tokens (name, token_hash, roles, made_by, made_at, expires_at) \
     SELECT 'report.' || n, sha256(('t' || n)::bytea), ARRAY['finance'], 'admin', now_us(), now_us() + 86400000000 \
     FROM generate_series(1, least($1, 300)) n",
    "INSERT INTO dead_letters (letter, producer, verb, command_id, code, message, body, state, first_at, last_at) \
     SELECT md5('full' || n), 'payments', 'payment_' || n % 40, 'payment_settle:' || n, 'payment_not_found', 'no such payment', '{}', \
         CASE WHEN n <= 500 THEN 'open' WHEN n % 2 = 0 THEN 'done' ELSE 'dropped' END, now_us() - n, now_us() - n \
     FROM generate_series(1, $1) n",
    "INSERT INTO broadcasts (broadcast, state, segment, content, recipients, sent, drafted_at) \
     SELECT 'full-' || n, CASE WHEN n % 100 = 0 THEN 'draft' WHEN n % 100 = 1 THEN 'paused' ELSE 'finished' END, '\"everybody\"', \
         '{\"text\":\"<b>News</b> of a long summer\"}', 1000, n % 1000, now_us() - n FROM generate_series(1, $1) n",
    "INSERT INTO jobs (generation, account_id, position, kind, model, deadline) \
     SELECT 'g-' || replace(a.account_id::text, '-', '') || '-' || lpad(to_hex(n), 16, '0'), a.account_id, n, 'picture', 'gemini-nano-banana-2.1', \
         now_us() + 3600000000 + n FROM generate_series(1, $1) n, (SELECT account_id FROM account_keys LIMIT 1) a",
    "INSERT INTO proposals (id, verb, account_id, subject, credits, reason, proposed_by, proposed_at, lapses_at, state, decided_by, decided_at, decision) \
     SELECT 'credits_grant:full' || n, 'credits_grant', a.account_id, '', 150, 'sorry', 'admin', now_us() - n, now_us() + CASE WHEN n % 100 = 0 THEN -n ELSE 86400000000 END, \
         CASE WHEN n % 50 = 0 THEN 'open' WHEN n % 2 = 0 THEN 'done' ELSE 'refused' END, 'person.1', now_us() - n, 'looked' \
     FROM generate_series(1, $1) n, (SELECT account_id FROM account_keys LIMIT 1) a",
    "INSERT INTO verifications (id, asked_by, began_at, beat_at, ended_at, done, of, state) \
     SELECT gen_random_uuid(), 'admin', now_us() - n, now_us() - n, now_us() - n, n, n, 'verified' FROM generate_series(1, $1) n",
    "INSERT INTO builtin_texts (key, language, text, known_at) \
     SELECT 'full-' || n, l, 'Text <b>' || n || '</b>', 0 FROM generate_series(1, least($1, 200)) n, unnest(ARRAY['ru', 'en']) l",
    "INSERT INTO services (producer, instance, version, needs, ended, began_at, seen_at) \
     SELECT 'generator', 'full-' || n, '0.1.0', '[]', true, now_us() - n, now_us() - n FROM generate_series(1, least($1, 300)) n",
    "INSERT INTO stuck_events (consumer, position, tries, error, dropped, first_at, last_at) \
     SELECT 'payments', n, n % 90 + 5, 'the handler panicked', n > 1000, now_us() - n, now_us() - n FROM generate_series(1, $1) n",
];

/// So many rows of each, or as many of those that stay few as an owner may have.
pub fn fills(stage: &Stage, many: i32) {
    for sql in ROWS {
        stage.sql(sqlx::query(sql).bind(many).execute(&stage.pool));
    }
    stage.sql(sqlx::query("ANALYZE").execute(&stage.pool));
}
