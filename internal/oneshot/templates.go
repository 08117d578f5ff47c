package oneshot

import (
	"context"
	"fmt"

	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/engine/template/collection"
	"github.com/vedette/vedette/internal/platform/fault"
)

// readTemplates loads a collection as it is, without storing it, or a version that was stored.
func (j *job) readTemplates(context.Context) error {
	name := j.options.Templates
	if name == "" {
		return nil
	}
	if collection.Stored(name) {
		set, err := collection.Open(name)
		if err != nil {
			return fmt.Errorf("--templates: %w", err)
		}
		j.templates = set
		return nil
	}
	files, err := collection.Read(name)
	if err != nil {
		return fmt.Errorf("--templates: %w", err)
	}
	set, refusals, err := template.Load(files.FS)
	if err != nil {
		return fmt.Errorf("--templates: %w", err)
	}
	if set.Len() == 0 {
		return fault.New(fault.Invalid, "--templates: none of %d files is a template that can be loaded", len(refusals)+len(files.Passed))
	}
	j.templates = set
	fmt.Fprintf(j.streams.Err, "Templates: %d loaded, %d of them run, %d files refused (vedette feed import --templates tells why).\n",
		set.Len(), set.Running(j.calls != nil), len(refusals)+len(files.Passed))
	return nil
}

// openCollaborator listens for the time of the scan.
func (j *job) openCollaborator(ctx context.Context) error {
	if j.options.Collaborator == "" {
		return nil
	}
	var err error
	if j.calls, err = collaborator.Open(context.WithoutCancel(ctx), j.options.Collaborator); err != nil {
		return fmt.Errorf("--collaborator: %w", err)
	}
	j.cleanup = append(j.cleanup, j.calls.Close)
	fmt.Fprintf(j.streams.Err, "Collaborator: %s.\n", j.calls.Config())
	return nil
}
