package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

var databases = []string{
	"mysql", "mysqlx", "bolt", "postgresql", "redis", "memcached", "mongodb", "mssql", "oracle", "couchdb", "elasticsearch", "cassandra", "influxdb",
	"db2", "firebird", "neo4j", "clickhouse", "sybase", "informix", "rethinkdb", "arangodb", "aerospike", "hbase", "maxdb",
}

var remote = []string{"ssh", "telnet", "rdp", "vnc", "rlogin", "rsh", "rexec", "exec", "winrm", "radmin", "teamviewer", "pcanywhere", "ipmi"}

var exposureChecks = []check{
	{"db-exposed", []string{"db.exposed"}, isDatabase, exposedDatabase},
	{"remote-access", []string{"remote-access"}, over("tcp", remote...), remoteAccess},
}

// isDatabase matches databases by protocol, and by product those that speak HTTP.
func isDatabase(t wire.Target) bool {
	return t.Service.Protocol == "tcp" && (slices.Contains(databases, protocol(t)) ||
		(protocol(t) == "http" && product(t, "couchdb", "elasticsearch", "opensearch", "influxdb", "clickhouse", "neo4j", "arangodb", "rethinkdb")))
}

// exposedDatabase: a database that answers to where the scan runs (ASV Program Guide, built-in failures: databases open
// to the Internet).
func exposedDatabase(_ context.Context, e *env) []scanlink.Finding {
	return one(e.found("db.exposed", nil, []byte(e.t.Service.Banner), fmt.Sprintf("A database (%s) answers on port %d.", nameOf(e.t), e.t.Service.Port)))
}

// remoteAccess: the ASV Program Guide wants remote access software noted and declared (special notes).
func remoteAccess(_ context.Context, e *env) []scanlink.Finding {
	return one(e.found("remote-access", nil, []byte(e.t.Service.Banner), fmt.Sprintf("Remote administration (%s) answers on port %d.", nameOf(e.t), e.t.Service.Port)))
}

func nameOf(t wire.Target) string {
	if t.Service.Product != "" {
		return t.Service.Product
	}
	return protocol(t)
}
