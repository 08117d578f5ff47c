package engine

import (
	"fmt"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// Limits of what may go unanswered before what was looked for cannot be said to be absent.
const (
	mayLose      = 4    // requests
	mayLoseShare = 0.05 // of the stage's requests to the service
)

// lost keeps how many requests of a stage got no answer. Where it is too many, or some were given up, the host is
// inconclusive: silence must not pass for health.
func (h *host) lost(stage string, s scanlink.Service, t *wire.Tally) {
	u := scanlink.Unanswered{
		Stage: stage, Port: s.Port, Protocol: s.Protocol, Requests: t.Asked(), Unanswered: t.Unanswered(), Unsent: t.Unsent(),
	}
	if u.Unanswered == 0 && u.Unsent == 0 {
		return
	}
	h.mu.Lock()
	h.facts.Unanswered = append(h.facts.Unanswered, u)
	h.mu.Unlock()
	if u.Unsent > 0 || u.Unanswered > mayLose && float64(u.Unanswered) > mayLoseShare*float64(u.Requests) {
		h.interfere(sentence(u))
	}
}

func sentence(u scanlink.Unanswered) string {
	at := fmt.Sprintf("port %d/%s", u.Port, u.Protocol)
	if u.Port == 0 {
		at = "the host"
	}
	text := fmt.Sprintf("%s of %s to %s got no answer, the first of them asked twice", count(u.Unanswered, u.Requests), stageWords[u.Stage], at)
	if u.Unsent > 0 {
		text += fmt.Sprintf("; %d more were given up, since it had fallen silent or their time was over", u.Unsent)
	}
	return text + ": what they look for may be there and was not seen."
}

func count(some, all int) string { return fmt.Sprintf("%d of %d requests", some, all) }

var stageWords = map[string]string{
	"tls": "the TLS stage", "login": "the login stage", "checks": "the checks", "templates": "the templates", "web": "the web checks",
}
