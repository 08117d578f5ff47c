-- Written in PostgreSQL's types; platform/db turns them for SQLite. Times are milliseconds since 1970 UTC.
-- Every tenant's table has the primary key (organization_id, id) and is registered in schema.go with its tenancy.

create table organizations (
  organization_id uuid not null,
  id uuid not null,
  parent_id uuid,
  name text not null,
  description text not null default '',
  company_name text not null default '',
  address text not null default '',
  city text not null default '',
  state text not null default '',
  zipcode text not null default '',
  country text not null default '',
  phone text not null default '',
  website text not null default '',
  email text not null default '',
  contact_name text not null default '',
  contact_title text not null default '',
  contact_phone text not null default '',
  contact_email text not null default '',
  partner boolean not null default false,
  created_at bigint not null,
  updated_at bigint not null,
  constraint organizations_pkey primary key (organization_id, id),
  constraint organizations_id_key unique (id),
  constraint organizations_own check (organization_id = id),
  constraint organizations_parent_fkey foreign key (parent_id) references organizations (id)
);

create table organization_tree (
  ancestor_id uuid not null,
  descendant_id uuid not null,
  depth integer not null,
  constraint organization_tree_pkey primary key (ancestor_id, descendant_id)
);
create index organization_tree_up on organization_tree (descendant_id, depth);

create table plans (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  code text not null,
  name text not null,
  description text not null default '',
  product text not null,
  open boolean not null default false,
  features jsonb not null,
  price text not null default '0.00',
  is_default boolean not null default false,
  default_interval text not null default 'none',
  created_at bigint not null,
  updated_at bigint not null,
  constraint plans_pkey primary key (organization_id, id),
  constraint plans_code_key unique (organization_id, code),
  constraint plans_organization_fkey foreign key (organization_id) references organizations (id)
);

create table subscriptions (
  organization_id uuid not null,
  id uuid not null,
  plan_organization_id uuid not null,
  plan_id uuid not null,
  product text not null,
  status text not null,
  billing_interval text not null,
  start_at bigint not null,
  end_at bigint,
  price text not null,
  trial_enabled boolean not null default false,
  trial_duration_days integer not null default 0,
  trial_ends_at bigint,
  auto_renewal boolean not null default true,
  cancellation_reason text not null default '',
  features jsonb not null,
  partner boolean not null default false,
  created_at bigint not null,
  updated_at bigint not null,
  constraint subscriptions_pkey primary key (organization_id, id),
  constraint subscriptions_organization_fkey foreign key (organization_id) references organizations (id),
  constraint subscriptions_plan_fkey foreign key (plan_organization_id, plan_id) references plans (organization_id, id)
);
create unique index subscriptions_active_key on subscriptions (organization_id, product) where status = 'active';

create table users (
  organization_id uuid not null,
  id uuid not null,
  username text not null,
  username_key text not null,
  email text not null,
  email_key text not null,
  role text not null,
  first_name text not null default '',
  last_name text not null default '',
  locale text not null default 'en',
  timezone text not null default 'UTC',
  phone text not null default '',
  mobile_phone text not null default '',
  url text not null default '',
  title text not null default '',
  address text not null default '',
  city text not null default '',
  state text not null default '',
  zipcode text not null default '',
  country text not null default '',
  comment text not null default '',
  active_product text not null default 'pci',
  password_hash text not null default '',
  confirmed_at bigint,
  locked_at bigint,
  last_sign_in_at bigint,
  last_sign_in_ip text not null default '',
  sign_in_count integer not null default 0,
  created_at bigint not null,
  updated_at bigint not null,
  constraint users_pkey primary key (organization_id, id),
  constraint users_id_key unique (id),
  constraint users_username_key unique (username_key),
  constraint users_email_key unique (email_key),
  constraint users_organization_fkey foreign key (organization_id) references organizations (id)
);

create table tokens (
  organization_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  kind text not null,
  hash text not null,
  ip text not null default '',
  user_agent text not null default '',
  created_at bigint not null,
  expires_at bigint,
  constraint tokens_pkey primary key (organization_id, id),
  constraint tokens_hash_key unique (hash),
  constraint tokens_user_fkey foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);
create unique index tokens_access_key on tokens (organization_id, user_id) where kind = 'access';
create index tokens_user on tokens (organization_id, user_id);

create table sign_in_attempts (
  subject text not null,
  failures integer not null,
  blocked_until bigint not null,
  updated_at bigint not null,
  constraint sign_in_attempts_pkey primary key (subject)
);

create table idempotency_keys (
  organization_id uuid not null,
  caller uuid not null,
  method text not null,
  path text not null,
  key text not null,
  body_hash text not null,
  answer text,
  created_at bigint not null,
  expires_at bigint not null,
  constraint idempotency_keys_pkey primary key (organization_id, caller, method, path, key)
);

create table audit_heads (
  organization_id uuid not null,
  sequence bigint not null,
  hash text not null,
  constraint audit_heads_pkey primary key (organization_id)
);

create table audit_events (
  organization_id uuid not null,
  id uuid not null,
  sequence bigint not null,
  action text not null,
  actor_id uuid,
  actor_name text not null default '',
  impersonator_id uuid,
  impersonator_name text not null default '',
  home_organization_id uuid,
  resource_type text not null default '',
  resource_id text not null default '',
  resource_name text not null default '',
  ip text not null default '',
  user_agent text not null default '',
  request_id text not null default '',
  changes jsonb not null,
  previous_hash text not null,
  hash text not null,
  created_at bigint not null,
  constraint audit_events_pkey primary key (organization_id, id),
  constraint audit_events_sequence_key unique (organization_id, sequence)
);
create index audit_events_created on audit_events (organization_id, created_at);

create table events (
  organization_id uuid not null,
  id uuid not null,
  name text not null,
  product text not null default '',
  data jsonb not null,
  created_at bigint not null,
  constraint events_pkey primary key (organization_id, id)
);

create table port_lists (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  name text not null,
  description text not null default '',
  app_type text not null default 'all',
  active boolean not null default true,
  predefined boolean not null default false,
  tcp_count integer not null,
  udp_count integer not null,
  created_by uuid,
  created_at bigint not null,
  updated_at bigint not null,
  constraint port_lists_pkey primary key (organization_id, id),
  constraint port_lists_name_key unique (organization_id, name),
  constraint port_lists_organization_fkey foreign key (organization_id) references organizations (id)
);

create table port_ranges (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  port_list_id uuid not null,
  protocol text not null,
  start_port integer not null,
  end_port integer not null,
  comment text not null default '',
  constraint port_ranges_pkey primary key (organization_id, id),
  constraint port_ranges_list_fkey foreign key (organization_id, port_list_id) references port_lists (organization_id, id) on delete cascade
);
create index port_ranges_list on port_ranges (organization_id, port_list_id);

create table scanners (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  name text not null,
  comment text not null default '',
  kind text not null,
  app_type text not null default 'all',
  state text not null,
  version text not null default '',
  capabilities jsonb not null,
  source_addresses jsonb not null,
  max_concurrency integer not null default 2,
  feed_version text not null default '',
  last_seen_at bigint,
  link_hash text,
  link_expires_at bigint,
  created_by uuid,
  created_at bigint not null,
  updated_at bigint not null,
  constraint scanners_pkey primary key (organization_id, id),
  constraint scanners_id_key unique (id),
  constraint scanners_name_key unique (organization_id, name),
  constraint scanners_link_key unique (link_hash),
  constraint scanners_organization_fkey foreign key (organization_id) references organizations (id)
);

create table scanner_verifications (
  organization_id uuid not null,
  id uuid not null,
  scanner_organization_id uuid not null,
  scanner_id uuid not null,
  verified boolean,
  checks jsonb not null,
  asked_at bigint not null,
  answered_at bigint,
  constraint scanner_verifications_pkey primary key (organization_id, id),
  constraint scanner_verifications_scanner_fkey foreign key (scanner_organization_id, scanner_id) references scanners (organization_id, id) on delete cascade
);
create index scanner_verifications_open on scanner_verifications (scanner_id, answered_at);

create table authorities (
  id integer not null,
  certificate text not null,
  private_key text not null,
  created_at bigint not null,
  constraint authorities_pkey primary key (id)
);

create table targets (
  organization_id uuid not null,
  id uuid not null,
  product text not null,
  name text not null,
  hosts jsonb not null,
  exclude_hosts jsonb not null,
  hosts_text text not null,
  comment text not null default '',
  port_list_organization_id uuid,
  port_list_id uuid,
  alive_test text not null default 'auto',
  max_parallel integer not null default 0,
  hosts_count integer not null,
  scope_accepted boolean not null default false,
  scope_name text not null default '',
  scope_title text not null default '',
  scope_at bigint,
  scope_user_id uuid,
  created_by uuid,
  created_at bigint not null,
  updated_at bigint not null,
  constraint targets_pkey primary key (organization_id, id),
  constraint targets_name_key unique (organization_id, product, name),
  constraint targets_organization_fkey foreign key (organization_id) references organizations (id),
  constraint targets_port_list_fkey foreign key (port_list_organization_id, port_list_id) references port_lists (organization_id, id)
);

create table target_credentials (
  organization_id uuid not null,
  id uuid not null,
  target_id uuid not null,
  kind text not null,
  username text not null default '',
  secret text,
  constraint target_credentials_pkey primary key (organization_id, id),
  constraint target_credentials_kind_key unique (organization_id, target_id, kind),
  constraint target_credentials_target_fkey foreign key (organization_id, target_id) references targets (organization_id, id) on delete cascade
);

create table scans (
  organization_id uuid not null,
  id uuid not null,
  product text not null,
  name text not null,
  target_id uuid not null,
  scanner_organization_id uuid,
  scanner_id uuid,
  profile text not null,
  comment text not null default '',
  notify jsonb not null,
  state text not null default 'new',
  current_history_id uuid,
  last_history_id uuid,
  last_finished_at bigint,
  last_verdict text,
  created_by uuid,
  created_at bigint not null,
  updated_at bigint not null,
  constraint scans_pkey primary key (organization_id, id),
  constraint scans_name_key unique (organization_id, product, name),
  constraint scans_target_fkey foreign key (organization_id, target_id) references targets (organization_id, id),
  constraint scans_scanner_fkey foreign key (scanner_organization_id, scanner_id) references scanners (organization_id, id)
);
create index scans_target on scans (organization_id, target_id);

create table scan_histories (
  organization_id uuid not null,
  id uuid not null,
  scan_id uuid not null,
  product text not null,
  state text not null,
  plan jsonb not null,
  scanner_id uuid,
  requested_at bigint not null,
  started_at bigint,
  finished_at bigint,
  coverage text,
  hosts_total integer not null default 0,
  hosts_scanned integer not null default 0,
  chunks_total integer not null default 0,
  chunks_done integer not null default 0,
  progress integer not null default 0,
  stage text not null default '',
  critical integer not null default 0,
  high integer not null default 0,
  medium integer not null default 0,
  low integer not null default 0,
  log integer not null default 0,
  pci_status text,
  pci_reason text not null default '',
  report_id uuid,
  feed_version text not null default '',
  started_by uuid,
  started_by_name text not null default '',
  error text not null default '',
  constraint scan_histories_pkey primary key (organization_id, id),
  constraint scan_histories_scan_fkey foreign key (organization_id, scan_id) references scans (organization_id, id) on delete cascade
);
create index scan_histories_scan on scan_histories (organization_id, scan_id, requested_at);
create unique index scan_histories_running_key on scan_histories (organization_id, scan_id) where finished_at is null;

create table scan_chunks (
  organization_id uuid not null,
  id uuid not null,
  history_id uuid not null,
  scan_id uuid not null,
  scanner_id uuid not null,
  number integer not null,
  hosts jsonb not null,
  hosts_count integer not null,
  state text not null,
  attempt integer not null default 0,
  token bigint not null default 0,
  leased_by uuid,
  leased_at bigint,
  lease_until bigint,
  progress integer not null default 0,
  stage text not null default '',
  hosts_done integer not null default 0,
  failures integer not null default 0,
  error text not null default '',
  created_at bigint not null,
  constraint scan_chunks_pkey primary key (organization_id, id),
  constraint scan_chunks_id_key unique (id),
  constraint scan_chunks_history_fkey foreign key (organization_id, history_id) references scan_histories (organization_id, id) on delete cascade
);
create index scan_chunks_history on scan_chunks (organization_id, history_id, number);
create index scan_chunks_queued on scan_chunks (scanner_id, created_at) where state = 'queued';
create index scan_chunks_leased on scan_chunks (lease_until) where state = 'leased';

create table scan_observations (
  organization_id uuid not null,
  chunk_id uuid not null,
  attempt integer not null,
  sequence bigint not null,
  body text not null,
  constraint scan_observations_pkey primary key (organization_id, chunk_id, attempt, sequence),
  constraint scan_observations_chunk_fkey foreign key (organization_id, chunk_id) references scan_chunks (organization_id, id) on delete cascade
);

create table hosts (
  organization_id uuid not null,
  id uuid not null,
  product text not null,
  address text not null,
  names jsonb not null,
  names_text text not null default '',
  os text not null default '',
  coverage text not null default '',
  ports_open integer not null default 0,
  services jsonb not null,
  software jsonb not null,
  critical integer not null default 0,
  high integer not null default 0,
  medium integer not null default 0,
  low integer not null default 0,
  log integer not null default 0,
  pci_status text,
  authenticated text not null default '',
  risk_score integer not null default 0,
  scans_count integer not null default 0,
  last_history_id uuid,
  first_seen_at bigint not null,
  last_seen_at bigint not null,
  constraint hosts_pkey primary key (organization_id, id),
  constraint hosts_address_key unique (organization_id, product, address)
);
create index hosts_risk on hosts (organization_id, product, risk_score);

create table scan_hosts (
  organization_id uuid not null,
  history_id uuid not null,
  id uuid not null,
  scan_id uuid not null,
  address text not null,
  names jsonb not null,
  names_text text not null default '',
  os text not null default '',
  alive boolean not null default true,
  coverage text not null default '',
  interference text not null default '',
  ports_open integer not null default 0,
  services jsonb not null,
  software jsonb not null,
  critical integer not null default 0,
  high integer not null default 0,
  medium integer not null default 0,
  low integer not null default 0,
  log integer not null default 0,
  pci_status text,
  authenticated text not null default '',
  risk_score integer not null default 0,
  facts jsonb not null,
  created_at bigint not null,
  constraint scan_hosts_pkey primary key (organization_id, history_id, id),
  constraint scan_hosts_history_fkey foreign key (organization_id, history_id) references scan_histories (organization_id, id) on delete cascade,
  constraint scan_hosts_host_fkey foreign key (organization_id, id) references hosts (organization_id, id)
);
create index scan_hosts_host on scan_hosts (organization_id, id);

create table vulnerabilities (
  organization_id uuid not null,
  id uuid not null,
  product text not null,
  fingerprint text not null,
  host_id uuid not null,
  host text not null,
  port integer not null,
  protocol text not null,
  class text not null,
  nvt text not null,
  name text not null,
  severity integer not null,
  threat text not null,
  certainty text not null,
  qod integer not null,
  cves text not null default '',
  epss double precision,
  kev boolean,
  pci_status text not null,
  state text not null,
  scan_id uuid,
  last_history_id uuid,
  times integer not null default 1,
  first_seen_at bigint not null,
  last_seen_at bigint not null,
  finding jsonb not null,
  constraint vulnerabilities_pkey primary key (organization_id, id),
  constraint vulnerabilities_fingerprint_key unique (organization_id, product, fingerprint),
  constraint vulnerabilities_host_fkey foreign key (organization_id, host_id) references hosts (organization_id, id)
);
create index vulnerabilities_severity on vulnerabilities (organization_id, product, severity, id);
create index vulnerabilities_host on vulnerabilities (organization_id, host_id);
create index vulnerabilities_scan on vulnerabilities (organization_id, scan_id);
create index vulnerabilities_seen on vulnerabilities (organization_id, product, last_seen_at, id);

create table scan_vulnerabilities (
  organization_id uuid not null,
  history_id uuid not null,
  id uuid not null,
  scan_id uuid not null,
  host_id uuid not null,
  host text not null,
  port integer not null,
  protocol text not null,
  class text not null,
  nvt text not null,
  name text not null,
  severity integer not null,
  threat text not null,
  certainty text not null,
  qod integer not null,
  cves text not null default '',
  epss double precision,
  kev boolean,
  pci_status text not null,
  state text not null,
  times integer not null default 1,
  first_seen_at bigint not null,
  last_seen_at bigint not null,
  finding jsonb not null,
  constraint scan_vulnerabilities_pkey primary key (organization_id, history_id, id),
  constraint scan_vulnerabilities_history_fkey foreign key (organization_id, history_id) references scan_histories (organization_id, id) on delete cascade
);
create index scan_vulnerabilities_id on scan_vulnerabilities (organization_id, id);

create table vulnerability_counters (
  organization_id uuid not null,
  product text not null,
  threat text not null,
  day text not null,
  open integer not null,
  constraint vulnerability_counters_pkey primary key (organization_id, product, threat, day)
);

create table reports (
  organization_id uuid not null,
  id uuid not null,
  product text not null,
  name text not null,
  scan_id uuid,
  scan_name text not null,
  history_id uuid not null,
  finished_at bigint not null,
  compliance boolean,
  critical integer not null default 0,
  high integer not null default 0,
  medium integer not null default 0,
  low integer not null default 0,
  log integer not null default 0,
  expires_at bigint,
  hidden_at bigint,
  model_sha256 text not null default '',
  created_at bigint not null,
  constraint reports_pkey primary key (organization_id, id),
  constraint reports_history_key unique (organization_id, history_id)
);

create table report_files (
  organization_id uuid not null,
  id uuid not null,
  report_id uuid not null,
  type text not null,
  format text not null,
  status text not null,
  size bigint not null default 0,
  sha256 text not null default '',
  error text not null default '',
  asked_by uuid,
  asked_at bigint not null,
  generated_at bigint,
  constraint report_files_pkey primary key (organization_id, id),
  constraint report_files_type_key unique (organization_id, report_id, type, format),
  constraint report_files_report_fkey foreign key (organization_id, report_id) references reports (organization_id, id)
);

create table feed_versions (
  version text not null,
  file text not null,
  active boolean not null,
  imported_at bigint not null,
  constraint feed_versions_pkey primary key (version)
);
