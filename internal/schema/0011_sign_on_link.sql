-- Who made a single-sign-on link, and of whose link a sign-in came.
alter table mail_links add column maker jsonb;
alter table otp_sessions add column maker jsonb;
alter table tokens add column maker jsonb;
