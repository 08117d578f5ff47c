package app

import (
	"cmp"
	"slices"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/op"
)

// success is how an operation is done by who may do it, where its fixture with ids of the own organization is not enough.
type success struct {
	by   string                 // default: the holder of the operation's code; nobody where it is public
	do   func(w world, c *call) // makes ready what the call needs, and changes the call
	last int                    // the higher comes the later: it needs what others make, or takes away what they need
	not  string                 // why nothing that can be made here lets it succeed
}

// call of an operation. Where answered is set, it was made already.
type call struct {
	by, path string
	body     any
	headers  []string
	answered *answer
}

// succeed does each operation once, so that one that refuses everybody is seen.
func (w world) succeed() {
	w.Helper()
	all := w.operations()
	slices.SortStableFunc(all, func(a, b op.Operation) int { return cmp.Compare(turn(a), turn(b)) })
	for _, o := range all {
		s := successes[o.ID]
		if s.not != "" {
			continue
		}
		c := w.own(o, fixtures[o.ID])
		if c.by = cmp.Or(s.by, c.by); s.by == nobody {
			c.by = ""
		}
		if s.do != nil {
			s.do(w, c)
		}
		if c.answered == nil {
			a := w.call(c.by, o.Method, c.path, c.body, c.headers...)
			c.answered = &a
		}
		if c.answered.Status != o.Status {
			w.Errorf("%s by %q, who may: %d %s, want %d%s", o.ID, c.by, c.answered.Status, c.answered.Body, o.Status, w.why(*c.answered))
		}
	}
	for id := range successes {
		if !slices.ContainsFunc(all, func(o op.Operation) bool { return o.ID == id }) {
			w.Errorf("the success %s is of no operation", id)
		}
	}
}

// own is the call that the fixture makes, with the organization's own ids.
func (w world) own(o op.Operation, f fixture) *call {
	c := &call{by: w.holder(o), path: f.path(w.mine) + f.query}
	if o.Permission == access.Public {
		c.by = ""
	}
	if f.body != nil {
		c.body = f.body(w.mine)
	}
	if f.bulk != "" {
		c.body = object{"ids": []string{w.mine[f.bulk]}}
	}
	return c
}

// turn of an operation: what reads, what makes, what changes, what deletes.
func turn(o op.Operation) int {
	return 10*successes[o.ID].last + map[string]int{"GET": 0, "POST": 1, "PUT": 2, "DELETE": 3}[o.Method]
}
