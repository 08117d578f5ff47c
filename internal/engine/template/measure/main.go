// Command measure tells how much of a template collection loads, what is refused and why, and whether the runner and the
// answer generator agree on what templates mean: for the templates whose ids have the smallest SHA-256, the answer that
// was made is served and must be found, and the same answer with one matched element changed must not.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/template"
)

// kinds that the figures are about.
var kinds = []string{"http", "network", "dns", "ssl"}

func main() {
	collection := flag.String("collection", "", "folder of the templates")
	commit := flag.String("commit", "", "commit of the collection, for the record")
	count := flag.Int("count", 200, "how many templates are answered")
	verbose := flag.Bool("verbose", false, "name every file that is refused")
	flag.Parse()
	if *collection == "" {
		fmt.Fprintln(os.Stderr, "measure: name a collection with -collection FOLDER")
		os.Exit(2)
	}
	if err := measure(context.Background(), os.Stdout, os.DirFS(*collection), *commit, *count, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, w io.Writer, files fs.FS, commit string, count int, verbose bool) error {
	set, refusals, err := template.Load(files)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "collection: commit %s\n\n", cmp.Or(commit, "unknown"))
	loaded(w, set, refusals)
	reasons(w, refusals, verbose)
	return answered(ctx, w, files, set, count)
}

func loaded(w io.Writer, set *template.Set, refusals []template.Refusal) {
	var run, idle, refused = map[string]int{}, map[string]int{}, map[string]int{}
	why := map[string]int{}
	for _, t := range set.All() {
		if runs(t) {
			run[t.Kind()]++
			continue
		}
		idle[t.Kind()]++
		why[t.Idle()]++
	}
	for _, r := range refusals {
		refused[r.Kind]++
	}
	fmt.Fprintf(w, "%-10s %8s %8s %8s %8s %8s\n", "kind", "files", "loaded", "%", "run", "idle")
	var sum [4]int
	row := func(kind string, run, idle, refused int) {
		all := run + idle + refused
		fmt.Fprintf(w, "%-10s %8d %8d %8.2f %8d %8d\n", kind, all, run+idle, 100*float64(run+idle)/float64(max(1, all)), run, idle)
	}
	for _, k := range kinds {
		row(k, run[k], idle[k], refused[k])
		sum[0], sum[1], sum[2] = sum[0]+run[k], sum[1]+idle[k], sum[2]+refused[k]
	}
	row("the four", sum[0], sum[1], sum[2])
	for _, k := range []string{"file", "workflow"} {
		row(k, run[k], idle[k], refused[k])
	}
	fmt.Fprintf(w, "\nloaded, and not run:\n")
	byCount(w, why)
}

func byCount(w io.Writer, counts map[string]int) {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	for _, k := range keys {
		fmt.Fprintf(w, "%6d  %s\n", counts[k], k)
	}
}

func reasons(w io.Writer, refusals []template.Refusal, verbose bool) {
	ours, others := map[string]int{}, map[string]int{}
	for _, r := range refusals {
		if slices.Contains(kinds, r.Kind) {
			ours[r.Reason]++
		} else {
			others[r.Reason]++
		}
		if verbose {
			fmt.Fprintf(w, "refused %s: %s\n", r.Path, r.Reason)
		}
	}
	fmt.Fprintf(w, "\nrefused, of the four kinds:\n")
	byCount(w, ours)
	fmt.Fprintf(w, "\nrefused, of other kinds:\n")
	byCount(w, others)
}

// first are the templates of the four kinds by the SHA-256 of their ids: the first ones whatever becomes of them, and
// then as many more as it takes until that number of them is run.
func first(set *template.Set, count int) (chosen []*template.Template) {
	all := set.All()
	digest := func(t *template.Template) string {
		h := sha256.Sum256([]byte(t.ID()))
		return hex.EncodeToString(h[:])
	}
	slices.SortFunc(all, func(a, b *template.Template) int { return strings.Compare(digest(a), digest(b)) })
	run := 0
	for _, t := range all {
		if !slices.Contains(kinds, t.Kind()) {
			continue
		}
		if chosen = append(chosen, t); runs(t) {
			run++
		}
		if run == count {
			break
		}
	}
	return chosen
}

// runs says that the template is run where there is a collaborator.
func runs(t *template.Template) bool { return t.Idle() == "" || t.OutOfBand() }
