package template

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// workflow names templates, by path or tags, that run when others matched. Here every template runs where it fits, so a
// workflow adds none; that its references are there is checked, since otherwise something is missing.
type workflow []step

type step struct {
	Template     string   `yaml:"template"`
	Tags         tags     `yaml:"tags"`
	Subtemplates workflow `yaml:"subtemplates"`
	Matchers     []struct {
		Name         texts    `yaml:"name"`
		Subtemplates workflow `yaml:"subtemplates"`
	} `yaml:"matchers"`
}

const maxSteps = 5000

func (w workflow) check(files fs.FS) error {
	left := maxSteps
	return w.walk(files, &left)
}

func (w workflow) walk(files fs.FS, left *int) error {
	for _, s := range w {
		if *left--; *left < 0 {
			return fmt.Errorf("workflow of more than %d steps", maxSteps)
		}
		if err := s.check(files); err != nil {
			return err
		}
		if err := s.Subtemplates.walk(files, left); err != nil {
			return err
		}
		for _, m := range s.Matchers {
			if err := m.Subtemplates.walk(files, left); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s step) check(files fs.FS) error {
	if s.Template == "" {
		if len(s.Tags) == 0 {
			return fmt.Errorf("workflow step without template and tags")
		}
		return nil
	}
	if files == nil {
		return nil
	}
	if _, err := fs.Stat(files, strings.TrimSuffix(path.Clean(s.Template), "/")); err != nil {
		return fmt.Errorf("workflow names %s, which is not in the collection", line(s.Template, 200))
	}
	return nil
}
