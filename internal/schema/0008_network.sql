-- Networks (sites): what has private addresses that mean something there alone. SQLite adds no constraint to a table that is
-- there, so the stores hold references to a network under a lock on its row.
create table networks (
  organization_id uuid not null,
  id uuid not null,
  name text not null,
  description text not null default '',
  created_by uuid,
  created_at bigint not null,
  updated_at bigint not null,
  constraint networks_pkey primary key (organization_id, id),
  constraint networks_name_key unique (organization_id, name),
  constraint networks_organization_fkey foreign key (organization_id) references organizations (id)
);

alter table targets add column network_id uuid;
alter table scanners add column network_id uuid;
alter table scan_histories add column network_id uuid;
create index targets_network on targets (organization_id, network_id);
create index scanners_network on scanners (organization_id, network_id);

-- hosts.address is unique in an organization's product. A host of a network is kept there as address@network, so that an address
-- in two networks is two hosts; the index serves lists, which show the address alone.
alter table hosts add column network_id uuid;
create index hosts_plain_address on hosts (organization_id, product, (case when network_id is null then address else substr(address, 1, length(address) - 37) end));

-- Whether it has ever answered: an address that never did is no host, and only keeps a place for the runs that looked there.
alter table hosts add column answered boolean not null default true;

-- What a host is known by besides its address: mac:…, cert:…, name:…, in its network (place; empty: none).
alter table hosts add column mac text not null default '';
create table host_marks (
  organization_id uuid not null,
  product text not null,
  place text not null,
  mark text not null,
  host_id uuid not null,
  constraint host_marks_pkey primary key (organization_id, product, place, mark, host_id),
  constraint host_marks_host_fkey foreign key (organization_id, host_id) references hosts (organization_id, id) on delete cascade
);
create index host_marks_host on host_marks (organization_id, host_id);

-- Tags, each between spaces.
alter table targets add column tags text not null default '';
alter table hosts add column tags text not null default '';

-- What changed on a host from run to run.
create table host_changes (
  organization_id uuid not null,
  id uuid not null,
  host_id uuid not null,
  history_id uuid not null,
  scan_id uuid not null,
  kind text not null,
  port integer not null default 0,
  protocol text not null default '',
  before text not null default '',
  after text not null default '',
  created_at bigint not null,
  constraint host_changes_pkey primary key (organization_id, id),
  constraint host_changes_host_fkey foreign key (organization_id, host_id) references hosts (organization_id, id) on delete cascade
);
create index host_changes_host on host_changes (organization_id, host_id, created_at);
create index host_changes_created on host_changes (created_at);

-- Proof that an organization controls a host, or an operator's word for it.
create table control_proofs (
  organization_id uuid not null,
  id uuid not null,
  host text not null,
  method text not null,
  token text not null,
  state text not null,
  detail text not null default '',
  asked_by uuid,
  asked_by_name text not null default '',
  asked_at bigint not null,
  checked_at bigint,
  verified_at bigint,
  expires_at bigint,
  constraint control_proofs_pkey primary key (organization_id, id),
  constraint control_proofs_host_key unique (organization_id, host),
  constraint control_proofs_organization_fkey foreign key (organization_id) references organizations (id)
);

-- A verification that is a test of a target's credentials: where, and whose. The credentials themselves are read for the lease.
alter table scanner_verifications add column sign_in jsonb;

-- When the evidence of a run was given up.
alter table scan_histories add column evidence_dropped_at bigint;
create index scan_histories_finished on scan_histories (finished_at);
create index events_age on events (created_at);
