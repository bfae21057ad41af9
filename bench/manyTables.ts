/**
 * SQL of a regular schema of three hundred tables in `public`: a hundred lists, each with entries and
 * notes on them, and each entry also linked to the list before. One row in every list.
 */
export const manyTables = (): string => Array.from({ length: 100 }, (_, index) => group(index + 1)).join('\n')

const group = (number: number): string => `
  create table list_${number} (
    id integer generated always as identity primary key,
    code text not null unique,
    name text not null,
    is_open boolean not null default true,
    made_at timestamptz not null default now()
  );
  create table list_${number}_entries (
    id integer generated always as identity primary key,
    list_id integer not null references list_${number} on delete cascade,
    other_id integer references list_${Math.max(1, number - 1)} on delete set null,
    title text not null,
    amount numeric(12, 2),
    details jsonb,
    due_on date
  );
  create index on list_${number}_entries (list_id);
  create index on list_${number}_entries (other_id);
  create table list_${number}_notes (
    id uuid primary key default gen_random_uuid(),
    entry_id integer not null references list_${number}_entries on delete cascade,
    body text not null,
    tags text[] not null default '{}',
    made_at timestamptz not null default now()
  );
  create index on list_${number}_notes (entry_id);
  insert into list_${number} (code, name) values ('A', 'First');`
