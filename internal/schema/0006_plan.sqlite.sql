-- The tree follows from the organizations' parents.
create trigger organization_tree_grow after insert on organizations begin
  insert into organization_tree (ancestor_id, descendant_id, depth)
    select ancestor_id, new.id, depth + 1 from organization_tree where descendant_id = new.parent_id on conflict do nothing;
  insert into organization_tree (ancestor_id, descendant_id, depth) values (new.id, new.id, 0) on conflict do nothing;
end;

create trigger organizations_stay before update of id, parent_id on organizations when new.id is not old.id or new.parent_id is not old.parent_id begin
  select raise(abort, 'an organization stays where it is in the tree');
end;
