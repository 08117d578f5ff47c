package check

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

// dataCreds try default accounts of databases and brokers.
var dataCreds = []check{
	{"creds-postgresql", []string{"creds", "anon.postgresql"}, over("tcp", "postgresql"), credsPostgreSQL},
	{"creds-mysql", []string{"creds", "anon.mysql"}, over("tcp", "mysql"), credsMySQL},
	{"creds-redis", []string{"creds", "anon.redis"}, over("tcp", "redis"), credsRedis},
	{"creds-mqtt", []string{"creds", "anon.mqtt"}, over("tcp", "mqtt", "mqtts"), credsMQTT},
	{"creds-stomp", []string{"creds", "anon.stomp"}, over("tcp", "stomp"), credsSTOMP},
}

// dataNames are names of databases and brokers whose password is often the name itself.
var dataNames = []string{"admin", "root", "test", "user", "guest"}

func (e *env) dataAccounts() []account {
	return accountsFor(protocol(e.t), e.t.Service.Product, dataNames)
}

func credsPostgreSQL(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, e.dataAccounts(), 2, e.eachPassword(func(ctx context.Context, user, password string) attempt {
		r, err := e.pgLogin(ctx, user, password, "postgres")
		switch {
		case err != nil:
			return broken
		case r.ok, r.asked && r.database:
			return accepted
		case r.asked:
			return rejected
		}
		return unavailable // no rule for this host
	}))
}

func credsMySQL(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, e.dataAccounts(), 1, e.eachPassword(func(ctx context.Context, user, password string) attempt {
		r, err := e.mysqlLogin(ctx, user, password)
		switch {
		case err != nil:
			return broken
		case r.ok:
			return accepted
		case r.refused():
			return unavailable
		}
		return rejected
	}))
}

// credsRedis tries the passwords of the one account that servers before version 6 know.
func credsRedis(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, []account{{"", []string{"foobared", "redis", "password"}}}, 1, e.eachPassword(func(ctx context.Context, _, password string) attempt {
		reply, err := e.ask(ctx, fmt.Appendf(nil, "*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n", len(password), password))
		switch {
		case err != nil:
			return broken
		case bytes.HasPrefix(reply, []byte("+OK")):
			return accepted
		case bytes.HasPrefix(reply, []byte("-WRONGPASS")), bytes.HasPrefix(reply, []byte("-ERR invalid password")):
			return rejected
		}
		return unavailable // no password is set, or this host is shut out
	}))
}

func credsMQTT(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, e.dataAccounts(), 1, e.eachPassword(func(ctx context.Context, user, password string) attempt {
		reply, err := e.ask(ctx, mqttConnect(canary(), user, password))
		switch {
		case err != nil, len(reply) < 4, reply[0] != 0x20:
			return broken
		case reply[3] == 0:
			return accepted
		case reply[3] == 4, reply[3] == 5: // bad name or password, not authorized (MQTT 3.1.1 section 3.2.2.3)
			return rejected
		}
		return unavailable
	}))
}

// mqttConnect makes the packet of MQTT 3.1.1 section 3.1; without a user it has neither name nor password.
func mqttConnect(id, user, password string) []byte {
	flags, fields := byte(2), []string{id}
	if user != "" {
		flags, fields = 0xc2, []string{id, user, password}
	}
	body := []byte{0, 4, 'M', 'Q', 'T', 'T', 4, flags, 0, 10}
	for _, f := range fields {
		body = append(append(body, 0, byte(len(f))), f...)
	}
	return append([]byte{0x10, byte(len(body))}, body...)
}

func credsSTOMP(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, e.dataAccounts(), 1, e.eachPassword(func(ctx context.Context, user, password string) attempt {
		reply, err := e.ask(ctx, []byte("CONNECT\naccept-version:1.0,1.1,1.2\nhost:/\nlogin:"+user+"\npasscode:"+password+"\n\n\x00"))
		switch {
		case err != nil:
			return broken
		case strings.HasPrefix(string(reply), "CONNECTED\n"):
			return accepted
		}
		return rejected
	}))
}

// dialUpgraded connects and begins TLS by the protocol's own command.
func (e *env) dialUpgraded(ctx context.Context) (net.Conn, error) {
	return e.afterStartTLS(e.t.Name())(ctx)
}
