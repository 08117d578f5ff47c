-- Runs that pause, whose turn it is, and what scanners owe.
alter table scans add column priority text not null default 'normal';

alter table scan_histories add column priority integer not null default 2;
-- Who paused the run: user or blackout; null while it isn't paused.
alter table scan_histories add column paused_by text;
alter table scan_histories add column paused_at bigint;
alter table scan_histories add column paused_for bigint not null default 0;
alter table scan_histories add column resumed_at bigint;
-- Started or resumed by a user within a blackout: until its end the run goes on.
alter table scan_histories add column exempt_until bigint;
alter table scan_histories add column last_leased_at bigint;
create index scan_histories_open on scan_histories (scanner_id) where finished_at is null;

alter table scan_chunks add column losses integer not null default 0;
alter table scan_chunks add column staged_bytes bigint not null default 0;
alter table scan_chunks add column rate integer not null default 0;
-- The process of the scanner that holds the chunk, so that its death releases it at once.
alter table scan_chunks add column leased_instance text not null default '';
create index scan_chunks_waiting on scan_chunks (organization_id, history_id, number) where state = 'queued';

-- Serial numbers of the certificate in use, and of the one that replaces it.
alter table scanners add column certificate_serial text not null default '';
alter table scanners add column next_serial text not null default '';
alter table scanners add column draining boolean not null default false;
-- When its outage was announced; null while it is seen.
alter table scanners add column offline_at bigint;
alter table scanner_verifications add column offered_at bigint;

-- While a hold of an organization above stands, nothing starts and nothing is leased.
create table scan_holds (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  reason text not null,
  created_by uuid,
  created_by_name text not null,
  created_at bigint not null,
  constraint scan_holds_pkey primary key (organization_id, id),
  constraint scan_holds_organization_fkey foreign key (organization_id) references organizations (id)
);
