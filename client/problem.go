package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is an answer that is no success (RFC 9457).
type Problem struct {
	Type      string    `json:"type"`
	Title     string    `json:"title"`
	Status    int       `json:"status"` // of HTTP
	Detail    string    `json:"detail"` // what is wrong and what would be right
	Code      string    `json:"code"`   // stable and machine-readable, where there is one
	Instance  string    `json:"instance"`
	RequestID string    `json:"request_id"` // tell it to whoever runs the server
	Errors    []Mistake `json:"errors"`     // every mistake in the request

	RetryAfter time.Duration `json:"-"` // how long the server asks to wait; 0 where it does not say
}

// Mistake is one thing that is wrong with a request.
type Mistake struct {
	Pointer string `json:"pointer"` // JSON pointer into the body, such as /target/name, or the name of a parameter
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Error tells the status, what is wrong, and the request's id.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", p.Status, p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	if len(p.Errors) > 1 {
		for _, m := range p.Errors {
			fmt.Fprintf(&b, "; %s: %s", m.Pointer, m.Detail)
		}
	}
	if p.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", p.RequestID)
	}
	return b.String()
}

// problemOf reads an answer; one that is no problem document, such as a proxy's page, gives its status alone.
func problemOf(answer *http.Response) *Problem {
	p := &Problem{}
	if strings.Contains(answer.Header.Get("Content-Type"), "json") {
		raw, err := io.ReadAll(io.LimitReader(answer.Body, mostProblem))
		if err != nil || json.Unmarshal(raw, p) != nil {
			p = &Problem{}
		}
	}
	p.Status = answer.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if p.RequestID == "" {
		p.RequestID = answer.Header.Get("X-Request-Id")
	}
	p.RetryAfter = retryAfter(answer.Header)
	return p
}

// retryAfter reads both forms of RFC 9110, section 10.2.3, a date against the server's own; 0 for none, and for what is over.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
