package pci

import (
	"slices"
	"strings"
)

// The kinds of rule.
const (
	RuleAuto  = "auto"  // fails whatever the score
	RuleScore = "score" // the score decides
	RuleNote  = "note"  // a special note; the score decides besides
)

// Row is the rule of one class, or of a family (anon.*) for classes that have no row of their own.
type Row struct {
	Class      string
	Rule       string
	Vector     string // CVSS v3.1, for findings without a CVE's score
	Section    string // of the ASV Program Guide
	Reason     string // after a colon, within a sentence
	Subject    string // of a note: what the customer declares
	Confidence string // A: the Guide's own words were seen, B: a source that cites the section, M: recalled, to be checked before a release
}

// Vectors that several rows share. Each says what a stranger on the network gains.
const (
	takeover     = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" // 9.8: everything
	readWrite    = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N" // 9.1: reads and changes all data
	readAll      = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N" // 7.5: reads all data
	writeAll     = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N" // 7.5: changes data
	readSome     = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N" // 5.3: learns something
	writeSome    = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:L/A:N" // 5.3: changes or sends something
	someBoth     = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N" // 6.5
	script       = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N" // 6.1: runs in a victim's browser
	lure         = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:N/A:N" // 4.7: leads a victim elsewhere
	eavesdrop    = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N" // 5.9: reads along on the way
	intercept    = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N" // 7.4: reads and changes on the way
	hardHint     = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N" // 3.7: learns a little, with effort
	hardChange   = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N" // 3.7
	victimHint   = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N" // 3.1: learns a little through a victim
	nothing      = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N" // 0.0: no harm in itself
	floodOthers  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:N/A:L" // 5.8: availability of others alone
	outage       = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H" // 7.5: availability alone
	poisonOthers = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:L/A:L" // 6.5: harms others through this host
)

const (
	decision = "6.3.3" // automatic failures
	bands    = "6.3.2" // the score
	notes    = "7.2"   // special notes
)

func auto(class, vector, reason, confidence string) Row {
	return Row{Class: class, Rule: RuleAuto, Vector: vector, Section: decision, Reason: reason, Confidence: confidence}
}

func score(class, vector, reason string) Row {
	return Row{Class: class, Rule: RuleScore, Vector: vector, Section: bands, Reason: reason, Confidence: "M"}
}

func note(class, vector, subject, reason, confidence string) Row {
	return Row{Class: class, Rule: RuleNote, Vector: vector, Section: notes, Reason: reason, Subject: subject, Confidence: confidence}
}

// Subjects of special notes.
const (
	subjectRemote    = "Remote access software"
	subjectBrowsing  = "Directory browsing"
	subjectInsecure  = "Insecure services"
	subjectUnknown   = "Unknown services"
	subjectAnonymous = "Anonymous key exchange"
	subjectEmbedded  = "Embedded links or code from out-of-scope domains"
	subjectPayment   = "Payment-page scripts"
	subjectBalancer  = "Load balancers not shown to be in step"
	subjectPOS       = "Point-of-sale software"
)

// rows is the whole table, by family. The confidence M marks what is recalled and must be checked against the Guide before
// a release; the verdicts of classes that the Guide does not name follow from their vectors, whose reasons stand here.
var rows = slices.Concat(accountRows, dataRows, clearRows, tlsRows, webRows, networkRows, noteRows, infoRows)

var accountRows = []Row{
	auto("creds", takeover, "a default, built-in, empty or guessable login is accepted", "B"),
	auto("backdoor", takeover, "a backdoor or other malicious program answers", "B"),
	auto("malware", takeover, "malicious software answers", "B"),
	auto("eol", takeover, "the software or operating system is out of its maker's support", "B"),
	score("cve", "", "a known vulnerability is judged by its score"),
	score("config", readSome, "a setting weakens the service"),
}

var dataRows = []Row{
	auto("db.exposed", readSome, "a database is reachable from the network", "B"),
	auto("anon.postgresql", takeover, "the database lets anyone in without a password", "B"),
	auto("anon.mysql", takeover, "the database lets anyone in without a password", "B"),
	auto("anon.mssql", takeover, "the database lets anyone in without a password", "B"),
	auto("anon.oracle", takeover, "the database lets anyone in without a password", "B"),
	auto("anon.mongodb", takeover, "the database lets anyone in without a password", "B"),
	auto("anon.redis", takeover, "the data store lets anyone in without a password", "B"),
	auto("anon.memcached", readWrite, "the data store lets anyone in without a password", "B"),
	auto("anon.elasticsearch", readWrite, "the data store lets anyone in without a password", "B"),
	auto("anon.couchdb", readWrite, "the database lets anyone in without a password", "B"),
	auto("anon.cassandra", readWrite, "the database lets anyone in without a password", "B"),
	auto("anon.influxdb", readWrite, "the database lets anyone in without a password", "B"),
	auto("anon.clickhouse", readWrite, "the database lets anyone in without a password", "B"),
	auto("anon.neo4j", readWrite, "the database lets anyone in without a password", "B"),
	auto("anon.etcd", takeover, "the configuration store lets anyone in without a password", "B"),
	auto("anon.zookeeper", readWrite, "the configuration store lets anyone in without a password", "B"),
	auto("anon.consul", takeover, "the configuration store lets anyone in without a password", "B"),
	auto("anon.docker-api", takeover, "the container engine takes orders from anyone", "B"),
	auto("anon.docker-registry", readWrite, "the image store lets anyone in without a password", "B"),
	auto("anon.kubelet", takeover, "the container agent takes orders from anyone", "B"),
	auto("anon.kubernetes", takeover, "the cluster's interface takes orders from anyone", "B"),
	auto("anon.code-exec", takeover, "anyone can run programs without a login", "B"),
	auto("anon.shell", takeover, "a shell is open without a login", "B"),
	auto("anon.telnet", takeover, "a login is given without a password", "B"),
	auto("anon.ssh", takeover, "a login is given without a password", "B"),
	auto("anon.distccd", takeover, "anyone can run programs without a login", "B"),
	auto("anon.jupyter", takeover, "anyone can run programs without a login", "B"),
	auto("anon.jdwp", takeover, "a debugger takes orders from anyone", "B"),
	auto("anon.adb", takeover, "a debugger takes orders from anyone", "B"),
	auto("anon.admin-api", takeover, "an administration interface takes orders from anyone", "B"),
	auto("anon.admin", takeover, "an administration interface is open without a login", "B"),
	auto("anon.x11", takeover, "screen and keyboard are open without a login", "B"),
	auto("anon.vnc", takeover, "the desktop is open without a login", "B"),
	auto("anon.rdp", takeover, "the desktop is open without a login", "B"),
	auto("anon.iscsi", readWrite, "a disk is open without a login", "B"),
	auto("anon.nbd", readWrite, "a disk is open without a login", "B"),
	auto("anon.broker", readWrite, "the message broker lets anyone read and send", "B"),
	auto("anon.mqtt", readWrite, "the message broker lets anyone read and send", "B"),
	auto("anon.amqp", readWrite, "the message broker lets anyone read and send", "B"),
	auto("anon.kafka", readWrite, "the message broker lets anyone read and send", "B"),
	auto("anon.nats", readWrite, "the message broker lets anyone read and send", "B"),
	auto("anon.kubernetes-api", takeover, "the cluster's interface takes orders from anyone", "B"),
	auto("anon.nomad", takeover, "the scheduler takes orders from anyone", "B"),
	auto("anon.fastcgi", takeover, "anyone can run programs without a login", "B"),
	auto("anon.uwsgi", takeover, "anyone can run programs without a login", "B"),
	auto("anon.gdbserver", takeover, "a debugger takes orders from anyone", "B"),
	auto("anon.node-inspector", takeover, "a debugger takes orders from anyone", "B"),
	auto("anon.spark", takeover, "anyone can run programs without a login", "B"),
	auto("anon.gearman", readWrite, "jobs can be read and given without a login", "B"),
	auto("anon.beanstalkd", readWrite, "jobs can be read and given without a login", "B"),
	auto("anon.jolokia", takeover, "an administration interface takes orders from anyone", "B"),
	auto("anon.solr", readWrite, "the search engine's administration is open without a login", "B"),
	auto("anon.registry", readWrite, "the image store lets anyone in without a password", "B"),
	auto("anon.stomp", readWrite, "the message broker lets anyone read and send", "B"),
	auto("anon.ipmi", takeover, "the management controller takes orders from anyone", "B"),
	score("anon.ajp", readAll, "the inner protocol of the application server is open to anyone"),
	score("anon.smb-share", readAll, "a share can be read without a login"),
	score("anon.ftp", readSome, "files can be listed and read without a login of one's own"),
	score("anon.ftp-write", someBoth, "anyone can put files on the server"),
	score("anon.rsync", readAll, "files can be read without a login"),
	score("anon.rsync-write", readWrite, "files can be read and changed without a login"),
	score("anon.tftp", readAll, "files can be read without a login"),
	score("anon.nfs", readAll, "an exported folder can be mounted by anyone"),
	score("anon.smb", readAll, "a share can be read without a login"),
	score("anon.smb-write", readWrite, "a share can be changed without a login"),
	score("anon.ldap", readSome, "the directory can be read without a login"),
	score("anon.snmp", readAll, "the device tells its configuration to anyone"),
	score("anon.git", readAll, "repositories can be read without a login"),
	score("anon.svn", readAll, "repositories can be read without a login"),
	score("anon.printer", writeSome, "anyone can print"),
	score("anon.scanner", readSome, "anyone can use the document scanner"),
	score("anon.pop3", readAll, "a mailbox opens without a password"),
	score("anon.imap", readAll, "a mailbox opens without a password"),
	score("anon.smtp", writeSome, "mail is taken from anyone"),
	note("anon.metrics", hardHint, subjectUnknown, "open metrics tell about the inside of the system", "M"),
	// A class of the family that is not listed reads or writes somebody's data: it fails by score.
	score("anon.*", readAll, "data can be read or changed without a login"),
}

var clearRows = []Row{
	note("clear.telnet", hardHint, subjectInsecure, "Telnet carries logins in clear", "B"),
	note("clear.ftp", hardHint, subjectInsecure, "FTP carries logins in clear", "B"),
	score("clear.http", victimHint, "the pages are served without encryption"),
	score("clear.http-login", eavesdrop, "a login form is served without encryption"),
	score("clear.http-basic", eavesdrop, "passwords cross the network in clear"),
	score("clear.rlogin", readWrite, "rlogin trusts names and carries everything in clear"),
	score("clear.rsh", readWrite, "rsh trusts names and carries everything in clear"),
	score("clear.rexec", eavesdrop, "rexec carries logins in clear"),
	score("clear.imap-login", eavesdrop, "passwords cross the network in clear"),
	score("clear.pop3-login", eavesdrop, "passwords cross the network in clear"),
	score("clear.smtp-login", eavesdrop, "passwords cross the network in clear"),
	score("clear.ldap", eavesdrop, "passwords cross the network in clear"),
	score("clear.vnc", eavesdrop, "the screen crosses the network in clear"),
	score("clear.snmp", eavesdrop, "community names cross the network in clear"),
	// Any other clear-text protocol that takes logins.
	score("clear.*", eavesdrop, "logins or data cross the network in clear"),
}

var tlsRows = []Row{
	auto("tls.sslv2", intercept, "SSL 2 is offered", "B"),
	auto("tls.sslv3", intercept, "SSL 3 is offered", "B"),
	auto("tls.v1.0", someBoth, "TLS 1.0 is offered", "B"),
	auto("tls.v1.1", someBoth, "TLS 1.1 is offered", "B"),
	score("tls.no-1.2", someBoth, "neither TLS 1.2 nor 1.3 is offered"),
	score("tls.null", intercept, "a suite without encryption is accepted"),
	note("tls.anon-dh", hardHint, subjectAnonymous, "a key exchange without authentication is accepted", "B"),
	score("tls.export", intercept, "a suite of export strength is accepted"),
	score("tls.rc4", eavesdrop, "RC4 is accepted"),
	score("tls.3des", readAll, "a cipher of 64-bit blocks is accepted"),
	score("tls.des", intercept, "single DES is accepted"),
	score("tls.weak-cipher", hardHint, "a suite of the CBC mode or of little strength is accepted"),
	score("tls.no-pfs", hardHint, "no suite keeps past sessions secret"),
	score("tls.dh", eavesdrop, "the Diffie-Hellman group is too small"),
	score("tls.weak-key", intercept, "the certificate's key is too short"),
	score("tls.expired", someBoth, "the certificate has expired"),
	score("tls.not-yet-valid", someBoth, "the certificate is not valid yet"),
	score("tls.selfsigned", someBoth, "the certificate vouches for itself"),
	score("tls.untrusted", someBoth, "the certificate's issuer is not trusted"),
	score("tls.wrong-name", someBoth, "the certificate is for another name"),
	score("tls.incomplete-chain", someBoth, "an intermediate certificate is missing"),
	score("tls.sha1", intercept, "the certificate is signed with SHA-1"),
	score("tls.md5", intercept, "the certificate is signed with MD5"),
	score("tls.revoked", someBoth, "the certificate was revoked"),
	score("tls.long-validity", hardHint, "the certificate is valid for longer than browsers accept"),
	score("tls.heartbleed", readAll, "memory of the server can be read"),
	score("tls.robot", eavesdrop, "an RSA padding oracle answers"),
	score("tls.ccs", intercept, "change-cipher-spec messages are taken too early"),
	score("tls.poodle", eavesdrop, "a padding oracle answers"),
	score("tls.drown", eavesdrop, "SSL 2 on the same key lets recorded sessions be read"),
	score("tls.compression", eavesdrop, "compression lets secrets be guessed"),
	score("tls.renegotiation", hardChange, "renegotiation is not secured"),
	score("tls.no-fallback-scsv", hardHint, "a downgrade is not noticed"),
	score("tls.ticketbleed", readAll, "memory of the server can be read"),
	score("tls.weak-curve", eavesdrop, "a weak elliptic curve is accepted"),
	score("tls.*", eavesdrop, "the encryption has a weakness"),
}

var webRows = []Row{
	auto("web.sqli", takeover, "the web application lets statements be injected into its database", "B"),
	auto("web.xss", script, "the web application lets scripts be injected into its pages", "B"),
	auto("web.lfi", readAll, "the web application reads files outside its folder", "B"),
	auto("web.crlf", script, "the web application lets response headers be injected", "B"),
	score("web.rce", takeover, "the web application runs programs for strangers"),
	score("web.ssti", takeover, "the web application evaluates templates for strangers"),
	score("web.xxe", readAll, "the web application reads files through XML"),
	score("web.ssrf", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:L/I:L/A:N", "the web application sends requests for strangers"),
	score("web.upload", takeover, "the web application takes files from anyone"),
	score("web.auth-bypass", takeover, "the web application's login can be passed by"),
	score("web.csrf", "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:L/A:N", "a victim's browser can be made to act"),
	score("web.redirect", lure, "the web application forwards to any address"),
	score("web.cors", lure, "the web application trusts every origin"),
	score("web.vulnerable", takeover, "the web application has a known hole"),
	score("web.git-exposed", readAll, "the source repository can be read"),
	score("web.svn-exposed", readAll, "the source repository can be read"),
	score("web.env-exposed", readAll, "a file with secrets can be read"),
	score("web.backup-exposed", readAll, "a backup copy can be read"),
	score("web.config-exposed", readAll, "a configuration file can be read"),
	score("web.source-exposed", readSome, "source code can be read"),
	score("web.log-exposed", readSome, "a log can be read"),
	score("web.exposure", readSome, "something that is not meant for the public can be read"),
	score("web.phpinfo", readSome, "the configuration of PHP is shown"),
	score("web.api-description", hardHint, "the description of the interface is public"),
	score("web.error", readSome, "error pages tell about the inside"),
	score("web.default-page", nothing, "the page of a fresh installation is shown"),
	score("web.default-file", readSome, "files of the installation are left in place"),
	score("web.debug-console", takeover, "a debugger takes commands"),
	score("web.misconfig", readSome, "a setting opens more than it should"),
	score("web.webdav-put", writeAll, "anyone can put files on the web server"),
	score("web.methods", readSome, "insecure methods are allowed"),
	score("web.trace", readSome, "the TRACE method is allowed"),
	score("web.pan-exposed", readAll, "card numbers can be read"),
	score("web.panel", nothing, "a login page of an administration can be reached"),
	score("web.old-jquery", script, "a JavaScript library with known holes is served"),
	score("web.old-library", script, "a JavaScript library with known holes is served"),
	score("web.status-page", hardHint, "the server's state is shown"),
	score("web.headers", nothing, "protective headers are missing"),
	score("web.cookies", victimHint, "cookies lack their protection"),
	score("web.mixed-content", victimHint, "an encrypted page loads parts in clear"),
	score("web.takeover", someBoth, "a name points to a place that anyone may claim"),
	note("web.dirlist", hardHint, subjectBrowsing, "folders can be browsed", "B"),
	note("web.embedded", nothing, subjectEmbedded, "code or links from elsewhere are embedded", "B"),
	note("web.payment-script", nothing, subjectPayment, "a payment page loads scripts", "A"),
	note("web.metrics", hardHint, subjectUnknown, "open metrics tell about the inside of the system", "M"),
	// A class of the family that is not listed discloses something.
	score("web.*", readSome, "the web server or application has a weakness"),
}

var networkRows = []Row{
	auto("dns.axfr", readSome, "the name server hands its whole zone to anyone", "B"),
	score("dns.open-recursion", poisonOthers, "the name server resolves for anyone"),
	score("dns.cache-snooping", readSome, "the name server tells what others asked"),
	score("dns.dynamic-update", writeAll, "anyone can change the zone"),
	score("dns.*", readSome, "the name server has a weakness"),
	score("smtp.open-relay", poisonOthers, "the mail server forwards for anyone"),
	score("smtp.vrfy", hardHint, "the mail server tells which users there are"),
	score("smtp.expn", hardHint, "the mail server tells which users there are"),
	score("smtp.*", readSome, "the mail server has a weakness"),
	score("smb.v1", intercept, "SMB 1 is offered"),
	score("smb.no-signing", writeSome, "messages need not be signed"),
	score("smb.null-session", readSome, "names and shares are told without a login"),
	score("smb.*", readSome, "the file server has a weakness"),
	score("ssh.v1", intercept, "SSH 1 is offered"),
	score("ssh.weak-kex", hardHint, "a weak key exchange is accepted"),
	score("ssh.weak-cipher", hardHint, "a weak cipher is accepted"),
	score("ssh.weak-mac", hardHint, "a weak message authentication is accepted"),
	score("ssh.weak-hostkey", hardHint, "the host key is weak"),
	score("ssh.terrapin", "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:N", "messages can be cut out of a session"),
	score("ssh.*", hardHint, "the SSH server has a weakness"),
	score("rdp.no-nla", hardHint, "the desktop shows its login before authentication"),
	score("rdp.weak-encryption", eavesdrop, "the desktop is weakly encrypted"),
	score("rdp.*", eavesdrop, "the remote desktop has a weakness"),
	score("ldap.*", readSome, "the directory has a weakness"),
	score("snmp.write", writeAll, "the device can be configured with a known community"),
	score("snmp.*", readSome, "the device tells about itself"),
	score("ipmi.*", eavesdrop, "the management controller has a weakness"),
	score("xmpp.open-registration", writeSome, "anyone can open an account"),
	score("xmpp.*", readSome, "the messaging server has a weakness"),
	score("sip.*", readSome, "the telephone server has a weakness"),
	score("irc.*", readSome, "the chat server has a weakness"),
	score("rpc.*", readSome, "the remote procedures have a weakness"),
	score("vpn.*", eavesdrop, "the tunnel has a weakness"),
	score("proxy.open", poisonOthers, "the proxy forwards for anyone"),
	score("proxy.*", writeSome, "the proxy has a weakness"),
	score("dos", outage, "the service can be brought down"),
	note("ntp.mode6", hardHint, subjectInsecure, "control queries are answered to anyone", "M"),
	note("ntp.monlist", floodOthers, subjectInsecure, "the list of clients is told to anyone and amplifies floods", "M"),
	note("ntp.*", hardHint, subjectInsecure, "the time server tells more than the time", "M"),
	note("amplification", floodOthers, subjectInsecure, "the service can be used to flood others", "M"),
}

var noteRows = []Row{
	note("remote-access", nothing, subjectRemote, "software for remote access is reachable", "A"),
	note("pos", nothing, subjectPOS, "point-of-sale software is reachable", "A"),
	note("svc.unknown", nothing, subjectUnknown, "the service could not be identified", "A"),
	note("svc.small", hardHint, subjectInsecure, "a small service without need is open", "M"),
	note("svc.*", nothing, subjectUnknown, "the service needs an explanation", "M"),
	note("load-balancer", nothing, subjectBalancer, "hosts behind a load balancer are not shown to be in step", "A"),
}

var infoRows = []Row{
	note("info.users", hardHint, subjectInsecure, "names of users are told", "M"),
	note("info.metrics", hardHint, subjectUnknown, "open metrics tell about the inside of the system", "M"),
	score("info.version", nothing, "the version is told"),
	score("info.rpc", nothing, "the list of remote procedures is told"),
	score("info.netbios-names", nothing, "names of the network are told"),
	score("info.internal-ip", hardHint, "an internal address is told"),
	score("info.*", hardHint, "something about the system is told"),
}

var byClass = func() map[string]Row {
	m := map[string]Row{}
	for _, r := range rows {
		m[r.Class] = r
	}
	return m
}()

// fallback judges a class that has no row: as one that reads somebody's data, so that nothing passes by oversight.
var fallback = Row{Class: "*", Rule: RuleScore, Vector: readAll, Section: bands, Reason: "a weakness of a kind without a rule of its own", Confidence: "M"}

// Lookup is the rule of a class: its own, its family's, or the fallback with false.
func Lookup(class string) (Row, bool) {
	if r, ok := byClass[class]; ok {
		return r, true
	}
	if family, _, ok := strings.Cut(class, "."); ok {
		if r, ok := byClass[family+".*"]; ok {
			return r, true
		}
	}
	return fallback, false
}

// Subject is what the customer declares of a class that is a special note (7.2); empty for every other class.
func Subject(class string) string {
	r, _ := Lookup(class)
	return r.Subject
}

// Known says whether a class has a row, of its own or of its family.
func Known(class string) bool {
	_, ok := Lookup(class)
	return ok
}

// Classes are the classes with a row of their own, in the table's order.
func Classes() []string {
	var out []string
	for _, r := range rows {
		if !strings.HasSuffix(r.Class, ".*") {
			out = append(out, r.Class)
		}
	}
	return out
}

// Rows is the whole table.
func Rows() []Row { return slices.Clone(rows) }
