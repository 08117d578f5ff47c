package template

import (
	"sync"

	"github.com/vedette/vedette/internal/engine/template/library"
)

// Library is the set of templates inside the binary.
func Library() *Set { return ownSet() }

var ownSet = sync.OnceValue(func() *Set {
	s, _, err := Load(library.Files)
	if err != nil {
		return &Set{}
	}
	for _, t := range s.templates {
		t.own = true
	}
	return s
})
