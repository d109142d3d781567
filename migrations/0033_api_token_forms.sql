-- Forms that have made a token: sent again, also after that was ended, one makes no other.

CREATE TABLE api_token_forms (once text PRIMARY KEY);

GRANT SELECT, INSERT ON api_token_forms TO plantain_ledger;
