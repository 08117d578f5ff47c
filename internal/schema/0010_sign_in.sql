-- People of an identity provider (OpenID Connect) and whom they are here. A subject of an issuer is one user, for good; the address
-- by which the user was found the first time may pass to somebody else.
create table oidc_identities (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  issuer text not null,
  subject text not null,
  email text not null,
  created_at bigint not null,
  last_used_at bigint not null,
  constraint oidc_identities_pkey primary key (organization_id, id),
  constraint oidc_identities_subject_key unique (issuer, subject),
  constraint oidc_identities_user_key unique (organization_id, user_id, issuer),
  constraint oidc_identities_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on update cascade on delete cascade
);

-- Sign-ins that are at the provider: of nobody yet, known by the hash of what whoever began one holds.
create table oidc_sessions (
  hash text not null,
  provider text not null,
  created_at bigint not null,
  expires_at bigint not null,
  constraint oidc_sessions_pkey primary key (hash)
);
create index oidc_sessions_expires on oidc_sessions (expires_at);

-- Of a sign-in whose first step was at the provider: whom the second step links.
alter table otp_sessions add column identity jsonb;

-- When a sign-in was last used, to the minute, and whether its provider showed a second factor.
alter table tokens add column last_used_at bigint not null default 0;
alter table tokens add column vouched boolean not null default false;

-- Whether the organization asks its own users for a second factor.
alter table organizations add column two_factor_required boolean not null default false;
