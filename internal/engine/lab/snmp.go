package lab

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// SNMP is an agent of versions 1 and 2c that answers one community with texts by object identifier, and is silent to any
// other. version2 false makes it speak version 1 alone.
func SNMP(t testing.TB, community string, version2 bool, values map[string]string) netip.AddrPort {
	t.Helper()
	var order []string
	for oid := range values {
		order = append(order, oid)
	}
	slices.SortFunc(order, func(a, b string) int { return slices.Compare(numbers(a), numbers(b)) })
	return UDP(t, func(b []byte) []byte {
		q, err := (&gosnmp.GoSNMP{}).SnmpDecodePacket(b)
		if err != nil || q.Community != community || q.Version != gosnmp.Version1 && !version2 {
			return nil
		}
		a := &gosnmp.SnmpPacket{Version: q.Version, Community: community, PDUType: gosnmp.GetResponse, RequestID: q.RequestID}
		for _, v := range q.Variables {
			a.Variables = append(a.Variables, find(q, order, values, v.Name)...)
		}
		if q.Version == gosnmp.Version1 && slices.ContainsFunc(a.Variables, func(v gosnmp.SnmpPDU) bool { return v.Type != gosnmp.OctetString }) {
			a.Error, a.ErrorIndex, a.Variables = gosnmp.NoSuchName, 1, q.Variables
		}
		out, err := a.MarshalMsg()
		if err != nil {
			return nil
		}
		return out
	})
}

// find answers one variable of GET, GETNEXT or GETBULK (RFC 3416).
func find(q *gosnmp.SnmpPacket, order []string, values map[string]string, oid string) []gosnmp.SnmpPDU {
	if q.PDUType == gosnmp.GetRequest {
		if value, ok := values[oid]; ok {
			return []gosnmp.SnmpPDU{{Name: oid, Type: gosnmp.OctetString, Value: value}}
		}
		return []gosnmp.SnmpPDU{{Name: oid, Type: gosnmp.NoSuchObject}}
	}
	most := 1
	if q.PDUType == gosnmp.GetBulkRequest {
		most = int(min(q.MaxRepetitions, 50))
	}
	var out []gosnmp.SnmpPDU
	for _, next := range order {
		if slices.Compare(numbers(next), numbers(oid)) > 0 && len(out) < most {
			out = append(out, gosnmp.SnmpPDU{Name: next, Type: gosnmp.OctetString, Value: values[next]})
		}
	}
	if len(out) < most {
		out = append(out, gosnmp.SnmpPDU{Name: oid, Type: gosnmp.EndOfMibView})
	}
	return out
}

func numbers(oid string) []int {
	var out []int
	for _, part := range strings.Split(strings.Trim(oid, "."), ".") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}
