package check

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// webLoginChecks try default accounts of web services.
var webLoginChecks = []check{
	{"creds-http", []string{"creds", "anon.http"}, unknownWeb, credsBasic},
}

// templated are products whose own accounts the template library knows.
var templated = []string{"activemq", "couchdb", "elasticsearch", "grafana", "icecast", "influxdb", "minio", "monit", "nagios", "nexus", "rabbitmq", "tomcat", "zabbix"}

func unknownWeb(t wire.Target) bool {
	return t.Service.Protocol == "tcp" && protocol(t) == "http" && !product(t, templated...)
}

// basicAccounts are those of devices and small servers.
var basicAccounts = []account{
	{"admin", []string{"admin", "password", "1234"}}, {"root", []string{"root"}}, {"user", []string{"user"}}, {"test", []string{"test"}},
	{"guest", []string{"guest"}}, {"operator", []string{"operator"}},
}

// credsBasic tries a front page that asks for basic authentication (RFC 7617).
func credsBasic(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Logins {
		return nil
	}
	p, err := e.get(ctx, "/")
	if err != nil || p.status != http.StatusUnauthorized || !strings.HasPrefix(strings.ToLower(p.header.Get("WWW-Authenticate")), "basic") {
		return nil
	}
	return e.defaultAccounts(ctx, basicAccounts, 1, e.eachPassword(e.basicTry))
}

func (e *env) basicTry(ctx context.Context, user, password string) attempt {
	header := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}}
	p, err := e.http(ctx, http.MethodGet, "/", header, nil)
	switch {
	case err != nil:
		return broken
	case p.status == http.StatusTooManyRequests, p.status == http.StatusLocked:
		return unavailable
	case p.status < 400:
		return accepted
	}
	return rejected
}
