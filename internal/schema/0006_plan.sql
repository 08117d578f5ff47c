-- A deleted organization stays as a name above the PCI reports and the audit trail that outlive it.
alter table organizations add column deleted_at bigint;

-- What was bought is kept with the subscription: the plan may be renamed, or belong to a partner that the reader can't see.
alter table subscriptions add column plan_code text not null default '';
alter table subscriptions add column plan_name text not null default '';
alter table subscriptions add column plan_open boolean not null default false;
-- How often a period is billed; billing_interval is the length of the period itself.
alter table subscriptions add column billed_interval text not null default '';
-- Start of the period that end_at ends.
alter table subscriptions add column period_at bigint not null default 0;
-- The end that subscription_expiring was told of, so that it is told once.
alter table subscriptions add column noticed_end_at bigint;
update subscriptions set billed_interval = billing_interval, period_at = start_at,
  plan_code = coalesce((select code from plans where plans.organization_id = plan_organization_id and plans.id = plan_id), ''),
  plan_name = coalesce((select name from plans where plans.organization_id = plan_organization_id and plans.id = plan_id), '');
create index subscriptions_end on subscriptions (end_at) where status = 'active';
create index subscriptions_plan on subscriptions (plan_organization_id, plan_id);
create unique index plans_default_key on plans (organization_id, product) where is_default;

create table subscription_prices (
  organization_id uuid not null,
  id uuid not null,
  subscription_id uuid not null,
  price text not null,
  since_at bigint not null,
  constraint subscription_prices_pkey primary key (organization_id, id),
  constraint subscription_prices_subscription_fkey foreign key (organization_id, subscription_id) references subscriptions (organization_id, id) on delete cascade
);
create index subscription_prices_of on subscription_prices (organization_id, subscription_id, since_at);

create table whitelabels (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  name text not null,
  logo_id uuid,
  favicon_id uuid,
  primary_color text not null,
  secondary_color text not null,
  support_email text not null,
  support_url text not null,
  mail_from_name text not null,
  mail_from_address text not null,
  mail_footer text not null,
  terms_url text not null,
  privacy_url text not null,
  report_cover_text text not null,
  report_footer text not null,
  created_at bigint not null,
  updated_at bigint not null,
  constraint whitelabels_pkey primary key (organization_id, id),
  constraint whitelabels_one_key unique (organization_id),
  constraint whitelabels_organization_fkey foreign key (organization_id) references organizations (id)
);

create table whitelabel_hosts (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  host text not null,
  position integer not null,
  constraint whitelabel_hosts_pkey primary key (organization_id, id),
  constraint whitelabel_hosts_host_key unique (host),
  constraint whitelabel_hosts_organization_fkey foreign key (organization_id) references organizations (id)
);

create table whitelabel_images (
  organization_id uuid not null,
  id uuid not null,
  shared boolean not null,
  content bytea not null,
  sha256 text not null,
  created_at bigint not null,
  constraint whitelabel_images_pkey primary key (organization_id, id),
  constraint whitelabel_images_id_key unique (id),
  constraint whitelabel_images_organization_fkey foreign key (organization_id) references organizations (id)
);
