-- The tree follows from the organizations' parents. The function runs as its owner; no role of the service writes the tree.
create function organization_tree_grow() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into organization_tree (ancestor_id, descendant_id, depth)
    select ancestor_id, new.id, depth + 1 from organization_tree where descendant_id = new.parent_id
    union all select new.id, new.id, 0
    on conflict do nothing;
  return null;
end
$$;
create trigger organization_tree_grow after insert on organizations for each row execute function organization_tree_grow();

create function organization_stays() returns trigger language plpgsql as $$
begin
  raise exception 'an organization stays where it is in the tree' using errcode = '23514', constraint = 'organizations_stay';
end
$$;
create trigger organizations_stay before update of id, parent_id on organizations for each row
  when (new.id is distinct from old.id or new.parent_id is distinct from old.parent_id) execute function organization_stays();
