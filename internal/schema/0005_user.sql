-- When a user was invited; an invitation that is not accepted yet is sent again as one.
alter table users add column invited_at bigint;

-- What a user chose about being told of an event; a missing row means the event's defaults.
create table notification_preferences (
  organization_id uuid not null,
  user_id uuid not null,
  event text not null,
  in_app boolean not null,
  email boolean not null,
  updated_at bigint not null,
  constraint notification_preferences_pkey primary key (organization_id, user_id, event),
  constraint notification_preferences_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);
