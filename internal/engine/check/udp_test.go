package check

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func same(b []byte) []byte { return b }
func silent([]byte) []byte { return nil }
func fixed(s string) func([]byte) []byte {
	return func([]byte) []byte { return []byte(s) }
}

func TestUDPChecks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id, service string
		bad         func([]byte) []byte
		want        []string
		good        func([]byte) []byte
	}{
		{"anon-memcached-udp", "memcached", func(b []byte) []byte { return append(b[:8:8], "STAT pid 1\r\nSTAT uptime 2\r\nEND\r\n"...) }, []string{"amplification", "anon.memcached"}, fixed("ERROR\r\n")},
		{"amplification-echo", "echo", same, []string{"amplification"}, fixed("other")},
		{"amplification-chargen", "chargen", fixed(strings.Repeat("abcdefgh", 9) + "\r\n"), []string{"amplification"}, fixed("\x00\x01\x02\x03abcdefghijklmnopqrst")},
		{"small-daytime-udp", "daytime", fixed("Tue Nov 24 06:00:00 2026\r\n"), []string{"svc.small"}, fixed("\x81\x80")},
		{"small-time-udp", "time", func([]byte) []byte { return []byte(smallNow()) }, []string{"svc.small"}, fixed("abcd")},
		{"ntp-mode6", "ntp", fixed("\x16\x82\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04ver="), []string{"ntp.mode6"}, fixed("\x16\xc2\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")},
		{"ntp-monlist", "ntp", fixed("\xd7\x00\x03\x2a\x00\x06\x00\x48" + strings.Repeat("\x00", 72)), []string{"ntp.monlist"}, fixed("\xd7\x00\x03\x2a\x40\x00\x00\x00")},
		{"creds-snmp", "snmp", snmpAgent("public"), []string{"creds=-/public"}, silent},
		{"anon-tftp", "tftp", tftpServer("startup-config"), []string{"anon.tftp"}, tftpServer()},
		{"netbios-names", "netbios", fixed("\x56\x44\x84\x00" + strings.Repeat("\x00", 52) + "\x01" + "SERVER         \x20\x04\x00"), []string{"info.netbios-names"}, fixed("\x56\x44\x84\x00")},
		{"anon-ipmi", "ipmi", fixed("\x06\x00\xff\x07" + strings.Repeat("\x00", 9) + "\x10\x81\x1c\x63\x20\x00\x38\x00\x01\x15\x01\x00\x00\x00"), []string{"anon.ipmi", "info.ipmi"}, fixed("\x06\x00\xff\x06no")},
		{"dns-version", "dns", nameServer(nil, "9.18.1", dns.RcodeRefused), []string{"info.version"}, nameServer(nil, "", dns.RcodeRefused)},
		{"dns-recursion", "dns", nameServer(nil, "", dns.RcodeServerFailure), []string{"dns.open-recursion"}, nameServer(nil, "", dns.RcodeRefused)},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			if got := names(runCheck(t, c.id, service(serveUDP(t, c.bad), "udp", c.service), everything)); !slices.Equal(got, c.want) {
				t.Errorf("with the fault: %v, want %v", got, c.want)
			}
			if got := runCheck(t, c.id, service(serveUDP(t, c.good), "udp", c.service), everything); len(got) != 0 {
				t.Errorf("without the fault: %v", names(got))
			}
		})
	}
}

// snmpAgent answers to some communities; none means any.
func snmpAgent(known ...string) func([]byte) []byte {
	return func(b []byte) []byte {
		for _, c := range append(slices.Clone(snmpCommunities), known...) {
			if bytes.Equal(b, snmpRequest(1, c)) && slices.Contains(known, c) {
				return bytes.Replace(b, []byte{0xa0}, []byte{0xa2}, 1)
			}
		}
		if len(known) == 0 {
			return bytes.Replace(b, []byte{0xa0}, []byte{0xa2}, 1)
		}
		return nil
	}
}

func TestAgentThatTakesAnyCommunity(t *testing.T) {
	t.Parallel()
	got := names(runCheck(t, "creds-snmp", service(serveUDP(t, snmpAgent()), "udp", "snmp"), everything))
	if !slices.Equal(got, []string{"anon.snmp"}) {
		t.Errorf("%v, want anon.snmp alone", got)
	}
	if got := runCheck(t, "creds-snmp", service(serveUDP(t, snmpAgent("public")), "udp", "snmp"), Options{}); len(got) != 0 {
		t.Errorf("%v though logins are not allowed", names(got))
	}
}

func tftpServer(files ...string) func([]byte) []byte {
	return func(b []byte) []byte {
		name, _, _ := strings.Cut(string(b[2:]), "\x00")
		if slices.Contains(files, name) {
			return []byte("\x00\x03\x00\x01enable secret")
		}
		return []byte("\x00\x05\x00\x01not found\x00")
	}
}

// nameServer is authoritative for the records, tells a version, and answers foreign names by a code; a code of REFUSED
// comes without recursion.
func nameServer(zone []string, version string, foreignCode int) func([]byte) []byte {
	return func(b []byte) []byte {
		q, r := new(dns.Msg), new(dns.Msg)
		if q.Unpack(b) != nil {
			return nil
		}
		r.SetReply(q)
		r.RecursionAvailable = foreignCode != dns.RcodeRefused
		r.Rcode = foreignCode
		if q.Question[0].Qclass == dns.ClassCHAOS {
			if version != "" {
				r.Rcode = dns.RcodeSuccess
				r.Answer = append(r.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}, Txt: []string{version}})
			}
		}
		for _, text := range zone {
			rr, err := dns.NewRR(text)
			if err == nil && rr.Header().Name == q.Question[0].Name && rr.Header().Rrtype == q.Question[0].Qtype {
				r.Rcode, r.Authoritative, r.Answer = dns.RcodeSuccess, true, append(r.Answer, rr)
			}
		}
		out, _ := r.Pack()
		return out
	}
}
