-- Second factors. What is on stands in the users' own columns; otp_methods keeps what codes are checked with, prepared or on.
alter table users add column otp_totp_enabled boolean not null default false;
alter table users add column otp_sms_enabled boolean not null default false;
alter table users add column otp_phone text not null default '';
alter table users add column otp_default_method text not null default '';
alter table users add column passkeys integer not null default 0;

-- When the password was last asked for with this token; null: never.
alter table tokens add column password_checked_at bigint;

create table otp_methods (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  method text not null,
  seed text,
  phone text not null default '',
  last_step bigint not null default 0,
  prepared_at bigint not null,
  constraint otp_methods_pkey primary key (organization_id, id),
  constraint otp_methods_method_key unique (organization_id, user_id, method),
  constraint otp_methods_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);

-- A sign-in between its two steps.
create table otp_sessions (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  hash text not null,
  password_mark text not null,
  password_checked_at bigint,
  tries integer not null default 0,
  challenge jsonb,
  created_at bigint not null,
  expires_at bigint not null,
  constraint otp_sessions_pkey primary key (organization_id, id),
  constraint otp_sessions_hash_key unique (hash),
  constraint otp_sessions_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);
create index otp_sessions_expires on otp_sessions (expires_at);

-- Text messages asked for. The code is made as one is sent; purpose_id is the sign-in or the method that it is for.
create table otp_messages (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  purpose_id uuid not null,
  phone text not null,
  code_hash text,
  requested_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  constraint otp_messages_pkey primary key (organization_id, id),
  constraint otp_messages_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);
create index otp_messages_user on otp_messages (organization_id, user_id, requested_at);
create index otp_messages_purpose on otp_messages (organization_id, purpose_id);

create table recovery_codes (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  number integer not null,
  code text,
  used_at bigint,
  constraint recovery_codes_pkey primary key (organization_id, id),
  constraint recovery_codes_number_key unique (organization_id, user_id, number),
  constraint recovery_codes_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);

-- Keys that authenticators made for us (WebAuthn), and the challenge of one that is being registered.
create table passkeys (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  name text not null,
  credential_id text not null,
  record jsonb not null,
  last_used_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  constraint passkeys_pkey primary key (organization_id, id),
  constraint passkeys_credential_key unique (credential_id),
  constraint passkeys_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);
create index passkeys_user on passkeys (organization_id, user_id);

create table passkey_challenges (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  challenge jsonb not null,
  created_at bigint not null,
  constraint passkey_challenges_pkey primary key (organization_id, id),
  constraint passkey_challenges_user_key unique (organization_id, user_id),
  constraint passkey_challenges_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);
