-- Until when a part of a run rests on which scanners were lost; and the schedule that started a run, which it may outlive.
alter table scan_chunks add column not_before bigint not null default 0;
alter table scan_histories add column schedule_id uuid;
