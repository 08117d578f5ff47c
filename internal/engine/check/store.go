package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/vedette/vedette/internal/scanlink"
)

// storeChecks look for key-value and document stores that answer without login.
var storeChecks = []check{
	{"anon-redis", []string{"anon.redis"}, maybe("tcp", []uint16{6379, 6380}, "redis"), anonRedis},
	{"anon-memcached", []string{"anon.memcached"}, maybe("tcp", []uint16{11211}, "memcached"), anonMemcached},
	{"anon-memcached-udp", []string{"anon.memcached", "amplification"}, maybe("udp", []uint16{11211}, "memcached"), anonMemcachedUDP},
	{"anon-mongodb", []string{"anon.mongodb"}, maybe("tcp", []uint16{27017, 27018}, "mongodb"), anonMongoDB},
}

func (e *env) opened(f scanlink.Finding) []scanlink.Finding {
	*e.open = true
	return one(f)
}

func anonRedis(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n")
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.HasPrefix(reply, []byte("$")) || !bytes.Contains(reply, []byte("redis_version:")) {
		return nil
	}
	return e.opened(e.found("anon.redis", request, reply, "INFO is answered without a password."))
}

func anonMemcached(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("stats\r\n")
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.HasPrefix(reply, []byte("STAT ")) {
		return nil
	}
	return e.opened(e.found("anon.memcached", request, reply, "The statistics are given to anybody."))
}

// anonMemcachedUDP also measures the amplification (CVE-2018-1000115).
func anonMemcachedUDP(ctx context.Context, e *env) []scanlink.Finding {
	request := append([]byte{0x56, 0x44, 0, 0, 0, 1, 0, 0}, "stats\r\n"...)
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 8 || !bytes.HasPrefix(reply[8:], []byte("STAT ")) || !bytes.Equal(reply[:2], request[:2]) {
		return nil
	}
	amp := e.found("amplification", request, reply, ratio(len(request), len(reply)))
	amp.CVEs = []string{"CVE-2018-1000115"}
	return append(e.opened(e.found("anon.memcached", request, reply, "The statistics are given to anybody, over UDP.")), amp)
}

func ratio(sent, got int) string {
	return fmt.Sprintf("%d bytes were answered by %d, %.1f times as many, to whatever address the request claims.", sent, got, float64(got)/float64(sent))
}

// anonMongoDB lists the databases, which a server with access control refuses.
func anonMongoDB(ctx context.Context, e *env) []scanlink.Finding {
	request := mongoQuery("admin", "listDatabases")
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 36 {
		return nil
	}
	// The name of the array stands in a good answer only; a refusal holds errmsg.
	if !bytes.Contains(reply, []byte("\x04databases\x00")) || bytes.Contains(reply, []byte("errmsg\x00")) {
		return nil
	}
	return e.opened(e.found("anon.mongodb", []byte("listDatabases"), reply, "The list of databases is given to anybody."))
}

// mongoQuery makes a command as OP_MSG, which every server since 3.6 takes.
func mongoQuery(database, command string) []byte {
	return mongoMessage(bson(bsonNumber(command, 1), bsonText("$db", database)))
}

// mongoMessage is a document as OP_MSG.
func mongoMessage(document []byte) []byte {
	body := append([]byte{0, 0, 0, 0, 0}, document...)
	head := make([]byte, 16)
	binary.LittleEndian.PutUint32(head, uint32(16+len(body)))
	binary.LittleEndian.PutUint32(head[4:], 7)
	binary.LittleEndian.PutUint32(head[12:], 2013)
	return append(head, body...)
}
