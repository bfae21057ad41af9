-- Write the next change here: `npx plinth db watch` runs it on each save.

-- Whoever leaves something out of a rule gets one that opens nothing, and not everything.
alter table app_public.access_rules alter column is_whole_office set default false;
comment on column app_public.access_rules.is_whole_office is 'Whether it is about every door of the office, also those to come; if not, about those of its `accessRuleDoors`, and without any it opens nothing.';
