package oneshot

import (
	"context"
	"fmt"

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
		set.Len(), set.Running(false), len(refusals)+len(files.Passed))
	return nil
}
