-- Until when a part of a run rests on which scanners were lost.
alter table scan_chunks add column not_before bigint not null default 0;
