/*
 * The log of changes that subscriptions read; see docs/decisions/0011-realtime.md. It is installed by the
 * server, in a project before its migrations and elsewhere by `plinth realtime install`, and may run again
 * at any time. Callers have no right on anything in here.
 */
create schema if not exists plinth_realtime;
comment on schema plinth_realtime is 'The log of changes that subscriptions read. Made and kept by Plinth.';

-- An image holds the columns that a key or a policy needs, and no others.
create table if not exists plinth_realtime.changes (
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  made_at timestamptz not null default clock_timestamp(),
  relation oid not null,
  operation "char" not null,
  was jsonb,
  became jsonb,
  primary key (xid, id)
);
create index if not exists changes_made_at_idx on plinth_realtime.changes using brin (made_at);
alter table plinth_realtime.changes enable row level security;
comment on table plinth_realtime.changes is 'One line per change of a row of a recorded table, until its retention ends.';
comment on column plinth_realtime.changes.operation is 'i(nsert), u(pdate), d(elete) or t(runcate).';
comment on column plinth_realtime.changes.was is 'The row before; of an update only where it differs from the row after.';

-- One row. Who resumes from before that transaction may have missed something.
create table if not exists plinth_realtime.completeness (
  is_only boolean primary key default true check (is_only),
  since xid8 not null
);
alter table plinth_realtime.completeness enable row level security;
insert into plinth_realtime.completeness (since) values (pg_current_xact_id()) on conflict do nothing;
comment on table plinth_realtime.completeness is 'Since which transaction the log has everything.';

-- Definer: whoever may write a table need not be allowed to write the log. Arguments: the columns of an
-- image. A notification says only that there is something to read. Postgres lets transactions that notify
-- commit one after the other, so of those that run at once one alone does; readers look often enough by
-- themselves to find what another one wrote.
create or replace function plinth_realtime.record() returns trigger
language plpgsql volatile
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_row jsonb;
  v_was jsonb;
  v_became jsonb;
  v_name text;
begin
  if tg_op in ('UPDATE', 'DELETE') then
    v_row := to_jsonb(old);
    v_was := '{}';
    foreach v_name in array tg_argv loop
      v_was := v_was || jsonb_build_object(v_name, v_row -> v_name);
    end loop;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    v_row := to_jsonb(new);
    v_became := '{}';
    foreach v_name in array tg_argv loop
      v_became := v_became || jsonb_build_object(v_name, v_row -> v_name);
    end loop;
  end if;
  insert into plinth_realtime.changes (relation, operation, was, became)
  values (
    coalesce(pg_partition_root(tg_relid), tg_relid),
    lower(left(tg_op, 1))::"char",
    case when v_became is null then v_was else nullif(v_was, v_became) end,
    v_became
  );
  if pg_try_advisory_xact_lock(hashtext('plinth_realtime'), 1) then
    perform pg_notify('plinth_realtime', '');
  end if;
  return null;
end;
$$;
comment on function plinth_realtime.record() is 'Trigger: writes a change into the log.';

-- The columns of an image: those of the keys by which the API finds a row (the primary one, and a column
-- named id) and those that a policy on reading asks for. One that asks for the whole row needs all.
create or replace function plinth_realtime.image_columns(relation oid) returns text[]
language sql stable
set search_path to pg_catalog, pg_temp
as $$
  with needed as (
    select unnest(indkey::int2[]) as attnum
    from pg_index
    where indrelid = image_columns.relation and indisunique and indpred is null and indexprs is null
      and (
        indisprimary
        or indkey::int2[] = array(
          select attnum from pg_attribute where attrelid = image_columns.relation and attname = 'id'
        )
      )
    union
    select nullif(refobjsubid, 0)
    from pg_policy
    join pg_depend on pg_depend.classid = 'pg_policy'::regclass and pg_depend.objid = pg_policy.oid
    where polrelid = image_columns.relation and polcmd in ('r', '*')
      and refclassid = 'pg_class'::regclass and refobjid = image_columns.relation
      and (refobjsubid > 0 or deptype = 'n')
  )
  select coalesce(array_agg(attname::text order by attnum), '{}')
  from pg_attribute
  where attrelid = image_columns.relation and attnum > 0 and not attisdropped
    and (attnum in (select needed.attnum from needed) or exists (select from needed where needed.attnum is null));
$$;
comment on function plinth_realtime.image_columns(oid) is 'Which columns of a table its images hold.';

-- The condition, in SQL, under which a role may read a row of a table: what row-level security would ask, to
-- be asked of an image. Only the policies for that role, since others may ask for what it may not read. The
-- path here makes it name everything in full.
create or replace function plinth_realtime.visibility(relation oid, role name) returns text
language sql stable
set search_path to pg_catalog, pg_temp
as $$
  with active as (
    select relrowsecurity and not rolsuper and not rolbypassrls
      and (relforcerowsecurity or not pg_has_role(pg_roles.oid, relowner, 'usage')) as is_active
    from pg_class, pg_roles
    where pg_class.oid = visibility.relation and rolname = visibility.role
  ), policies as (
    select polpermissive as is_permissive, coalesce(pg_get_expr(polqual, polrelid), 'true') as condition
    from pg_policy
    where polrelid = visibility.relation and polcmd in ('r', '*')
      and exists (
        select from unnest(polroles) as concerned
        where concerned = 0 or pg_has_role(visibility.role, concerned, 'usage')
      )
  )
  select format('pg_catalog.row_security_active(%s::oid) = %L and %s', visibility.relation, is_active,
    case when is_active then (
      select format('(%s) and (%s)',
        coalesce(string_agg(format('(%s)', condition), ' or ') filter (where is_permissive), 'false'),
        coalesce(string_agg(format('(%s)', condition), ' and ') filter (where not is_permissive), 'true'))
      from policies
    ) else 'true' end)
  from active;
$$;
comment on function plinth_realtime.visibility(oid, name) is
  'What row-level security asks of a row on behalf of a role, as SQL.';

-- The tables that are recorded, and whether their images hold what the policies of today need.
create or replace function plinth_realtime.recorded() returns table (relation oid, is_current boolean)
language sql stable rows 10
set search_path to pg_catalog, pg_temp
as $$
  select tgrelid, tgargs = (
    select string_agg(convert_to(name, getdatabaseencoding()), '\x00' order by place) || '\x00'
    from unnest(plinth_realtime.image_columns(tgrelid)) with ordinality as columns (name, place)
  )
  from pg_trigger
  where tgname = '_900_realtime' and tgparentid = 0
    and tgfoid = 'plinth_realtime.record()'::regprocedure;
$$;
comment on function plinth_realtime.recorded() is 'The tables whose changes are recorded.';

-- Begins to record a table, or follows its policies. True when something had to change; whoever resumes
-- from before is then told to begin anew.
create or replace function plinth_realtime.install(relation regclass) returns boolean
language plpgsql volatile
set search_path to pg_catalog, pg_temp
as $$
begin
  if exists (
    select from plinth_realtime.recorded() as recorded
    where recorded.relation = install.relation and is_current
  ) then
    return false;
  end if;
  if not exists (select from pg_index where indrelid = install.relation and indisprimary) then
    raise exception using
      errcode = 'object_not_in_prerequisite_state',
      message = format('%s has no primary key, by which a change could name its row.', install.relation);
  end if;
  execute format(
    'create or replace trigger _900_realtime after insert or update or delete on %s
     for each row execute function plinth_realtime.record(%s)',
    install.relation,
    (
      select string_agg(quote_literal(name), ', ' order by place)
      from unnest(plinth_realtime.image_columns(install.relation)) with ordinality as columns (name, place)
    )
  );
  execute format(
    'create or replace trigger _901_realtime after truncate on %s
     for each statement execute function plinth_realtime.record()', install.relation);
  update plinth_realtime.completeness set since = pg_current_xact_id();
  return true;
end;
$$;
comment on function plinth_realtime.install(regclass) is 'Begins to record the changes of a table.';

create or replace function plinth_realtime.uninstall(relation regclass) returns boolean
language plpgsql volatile
set search_path to pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from plinth_realtime.recorded() as recorded where recorded.relation = uninstall.relation
  ) then
    return false;
  end if;
  execute format('drop trigger _900_realtime on %s', uninstall.relation);
  execute format('drop trigger if exists _901_realtime on %s', uninstall.relation);
  update plinth_realtime.completeness set since = pg_current_xact_id();
  return true;
end;
$$;
comment on function plinth_realtime.uninstall(regclass) is 'Ceases to record the changes of a table.';

-- Definer: the API reads the log and owns nothing. Removes a part at a time, so as not to hold much for
-- long; lines of transactions that are yet to come are from before a restore of a dump. True: there is more.
create or replace function plinth_realtime.purge(retention interval) returns boolean
language plpgsql volatile
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_count int;
  v_last xid8;
begin
  with old as (
    select xid, id from plinth_realtime.changes
    where made_at < clock_timestamp() - purge.retention or xid > pg_snapshot_xmax(pg_current_snapshot())
    limit 10000
    for update skip locked
  ), removed as (
    delete from plinth_realtime.changes using old
    where (changes.xid, changes.id) = (old.xid, old.id)
    returning changes.xid
  )
  select count(*), max(xid) filter (where xid < pg_snapshot_xmax(pg_current_snapshot()))
  into v_count, v_last
  from removed;
  update plinth_realtime.completeness set since = v_last where v_last > since;
  return v_count = 10000;
end;
$$;
comment on function plinth_realtime.purge(interval) is 'Removes lines of the log that are older than that.';
