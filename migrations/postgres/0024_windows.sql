-- Grants that will die: which notices are due, and who dies by when.
--
-- Expand: everything here is new.

-- A tick reads what is due and nothing else. No refresh moves the end of an authorization, nor this.
CREATE INDEX grants_notice ON grants (notice_at) WHERE notice_at IS NOT NULL;

-- Lists of who dies by a time have their order from it.
CREATE INDEX grants_dying ON grants (tenant, dies_at, id) WHERE dies_at IS NOT NULL;
