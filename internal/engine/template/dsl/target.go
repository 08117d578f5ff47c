package dsl

import "errors"

// ErrCollaborator is returned for a value that only an out-of-band collaborator or a third party could give.
var ErrCollaborator = errors.New("no collaborator is configured")

// targetFunctions reach beyond the expression: to the target, to time, or to what a scan does not have.
var targetFunctions = map[string]*function{
	"jarm": {2, 2, func(a args) (any, error) { return a[0], nil }},
	// The runner waits before it sends the request; the marker leaves nothing behind.
	"waitfor": {1, 1, func(args) (any, error) { return "", nil }},
	// What needs a collaborator to hear the effect, or asks somebody else, is never sent.
	"generatejavagadget": {3, 3, gadget},
	"publicip":           {0, 0, outside},
	"resolve":            {1, 2, outside},
	"llmprompt":          {1, 2, outside},
}

func outside(args) (any, error) { return nil, ErrCollaborator }
