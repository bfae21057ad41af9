/*
 * Tries statements one by one, each as somebody and each undone again, in one trip for all of them.
 *
 * An attempt has `settings`, under which it runs, and either `read`, a query whose one value is the result, or `run`,
 * a statement. After `run` an optional `look` is read with the rights of whoever called this function. The answers
 * come in the order of the attempts: the SQLSTATE, how many rows `run` concerned, and what was read.
 */
create function pg_temp.attempt(attempts jsonb)
returns table (state text, message text, row_count bigint, seen jsonb)
language plpgsql volatile
as $$
declare
  v_attempt jsonb;
begin
  for v_attempt in select item from jsonb_array_elements(attempt.attempts) as item
  loop
    row_count := 0;
    seen := null;
    begin
      perform set_config(setting.key, setting.value, true) from jsonb_each_text(v_attempt -> 'settings') as setting;
      if v_attempt ? 'read' then
        execute v_attempt ->> 'read' into seen;
      else
        execute v_attempt ->> 'run';
        get diagnostics row_count = row_count;
        if v_attempt ? 'look' then
          perform set_config('role', 'none', true);
          execute v_attempt ->> 'look' into seen;
        end if;
      end if;
      -- Leaving the block by an error is what undoes it; variables keep what they have.
      raise exception using errcode = 'UNDO1';
    exception
      when sqlstate 'UNDO1' then
        state := '00000';
        message := '';
      when others then
        state := sqlstate;
        message := sqlerrm;
    end;
    return next;
  end loop;
end;
$$;
