-- When scans start. A schedule whose next_at has come is claimed by moving next_at on, in the commit that enqueues the starts.
create table schedules (
  organization_id uuid not null,
  id uuid not null,
  product text not null,
  name text not null,
  first_time text not null,
  timezone text not null,
  period integer not null,
  period_unit text not null,
  rrule text not null,
  duration_minutes integer not null,
  blackouts jsonb not null,
  comment text not null,
  next_at bigint,
  created_by uuid,
  created_at bigint not null,
  updated_at bigint not null,
  constraint schedules_pkey primary key (organization_id, id),
  constraint schedules_name_key unique (organization_id, product, name),
  constraint schedules_organization_fkey foreign key (organization_id) references organizations (id)
);
create index schedules_next on schedules (next_at);

-- SQLite adds no constraint to a table that is there: the store holds the reference, under a lock on the schedule's row.
alter table scans add column schedule_id uuid;
-- The firing that started the last run by schedule, so that a job that is tried again starts nothing twice.
alter table scans add column scheduled_at bigint;
create index scans_schedule on scans (organization_id, schedule_id);

-- When a run must end, by the duration of the schedule that started it.
alter table scan_histories add column stop_at bigint;
create index scan_histories_stop on scan_histories (stop_at);
