-- Links in mails, impersonation, API keys.

create table mail_links (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  kind text not null,
  email text not null,
  hash text,
  created_at bigint not null,
  expires_at bigint not null,
  constraint mail_links_pkey primary key (organization_id, id),
  constraint mail_links_hash_key unique (hash),
  constraint mail_links_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);
create index mail_links_user on mail_links (organization_id, user_id);
create index mail_links_expires on mail_links (expires_at);

alter table tokens add column impersonator_id uuid;
alter table tokens add column impersonator_name text not null default '';
alter table tokens add column reason text not null default '';
create index tokens_expires on tokens (expires_at);
create index tokens_impersonator on tokens (impersonator_id);

create table api_keys (
  organization_id uuid not null,
  id uuid not null,
  name text not null,
  prefix text not null,
  hash text not null,
  created_by text not null,
  last_used_at bigint,
  last_used_ip text not null default '',
  created_at bigint not null,
  constraint api_keys_pkey primary key (organization_id, id),
  constraint api_keys_hash_key unique (hash),
  constraint api_keys_name_key unique (organization_id, name),
  constraint api_keys_organization_fkey foreign key (organization_id) references organizations (id) on delete cascade
);
