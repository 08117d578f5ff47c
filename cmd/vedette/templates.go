package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/engine/template/collection"
	"github.com/vedette/vedette/internal/platform/config"
)

// withTemplates lets feed import take a collection of templates in place of files of knowledge.
func withTemplates(c *cobra.Command) *cobra.Command {
	var from string
	var verbose, asJSON bool
	files, run := c.Args, c.RunE
	c.Flags().StringVar(&from, "templates", "", "import this folder or archive of templates in the nuclei format instead")
	c.Flags().BoolVar(&verbose, "verbose", false, "with --templates: name each file that is refused")
	c.Flags().BoolVar(&asJSON, "json", false, "with --templates: tell the result as JSON")
	c.Long += `

With --templates a collection of templates (a folder, or a .zip, .tar.gz or .tar archive) becomes an immutable version
beside the knowledge. The server's own scanner runs the newest one with the next chunk of work; other scanners take the
file by their flag --templates. What is refused is counted by reason; --verbose names each file.`
	c.Args = func(c *cobra.Command, args []string) error {
		if from != "" {
			return cobra.NoArgs(c, args)
		}
		return files(c, args)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if from == "" {
			return run(c, args)
		}
		cfg, err := config.Load(c.Flags())
		if err != nil {
			return err
		}
		rep, err := collection.Import(cfg.Feed.Dir, from)
		if rep == nil {
			return err
		}
		if !verbose {
			rep.Refusals = nil
		}
		if asJSON {
			return errors.Join(err, tell(c.OutOrStdout(), rep))
		}
		tellTemplates(c.OutOrStdout(), rep)
		return err
	}
	return c
}

func tellTemplates(w io.Writer, r *collection.Report) {
	fmt.Fprintf(w, "%d files, %d templates loaded", r.Files, r.Loaded)
	if r.Path != "" {
		fmt.Fprintf(w, ": version %s, stored as %s", r.Version, r.Path)
	}
	fmt.Fprintf(w, "\n\n%-12s %8s %8s %8s\n", "kind", "loaded", "not run", "refused")
	for _, name := range slices.Sorted(maps.Keys(r.Kinds)) {
		k := r.Kinds[name]
		fmt.Fprintf(w, "%-12s %8d %8d %8d\n", name, k.Loaded, k.Idle, k.Refused)
	}
	counts(w, "loaded and not run", r.Idle)
	counts(w, "refused", r.Reasons)
	for _, f := range r.Refusals {
		fmt.Fprintf(w, "%s: %q\n", f.Path, f.Reason)
	}
}

func counts(w io.Writer, title string, by map[string]int) {
	if len(by) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, reason := range slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(by[b]-by[a], cmp.Compare(a, b)) }) {
		fmt.Fprintf(w, "%7d  %q\n", by[reason], reason)
	}
	fmt.Fprintln(w)
}
