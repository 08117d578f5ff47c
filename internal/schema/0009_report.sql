-- What a run saw on some of its hosts: reports and new judgements go through a run host by host.
create index scan_vulnerabilities_host on scan_vulnerabilities (organization_id, history_id, host_id);
