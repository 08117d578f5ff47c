// Package tag is short words that a customer puts on targets and hosts, to find and group them by. A tag is nothing of its own:
// it is there while something bears it.
package tag

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Most tags of one resource.
const Most = 20

var word = regexp.MustCompile(`^[\p{Ll}\p{N}][\p{Ll}\p{N}_.:/-]{0,39}$`)

// Clean reads tags: in lower case, each once, sorted. The error is fault.Invalid at the pointer.
func Clean(pointer string, words []string) ([]string, error) {
	tags := []string{}
	var wrong []fault.Detail
	for i, w := range words {
		w = strings.ToLower(strings.TrimSpace(w))
		if !word.MatchString(w) {
			if len(wrong) < Most {
				wrong = append(wrong, fault.Detail{Pointer: fmt.Sprintf("%s/%d", pointer, i), Code: "invalid_tag",
					Detail: "A tag is one word of at most 40 letters, digits and _ . : / -, and begins with a letter or digit."})
			}
			continue
		}
		tags = append(tags, w)
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(wrong) == 0 && len(tags) > Most {
		return nil, fault.At(pointer, "too_many", "These are %d tags; at most %d fit on one resource.", len(tags), Most)
	}
	return tags, fault.All(wrong)
}

// Text keeps tags in one column, each between spaces; Read gives them back.
func Text(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	return " " + strings.Join(tags, " ") + " "
}

// Read tags from their column.
func Read(text string) []string {
	if tags := strings.Fields(text); tags != nil {
		return tags
	}
	return []string{}
}

// Edit is a change of the tags of many resources.
type Edit struct {
	IDs    []string `json:"ids" minItems:"1" maxItems:"1000" doc:"Of the resources; all or nothing"`
	Add    []string `json:"add,omitempty" maxItems:"20"`
	Remove []string `json:"remove,omitempty" maxItems:"20"`
}

// Clean checks the edit and puts its ids and words in order. Fault kind: invalid.
func (e *Edit) Clean() error {
	var addErr, removeErr error
	e.Add, addErr = Clean("/add", e.Add)
	e.Remove, removeErr = Clean("/remove", e.Remove)
	if wrong := slices.Concat(fault.DetailsOf(addErr), fault.DetailsOf(removeErr)); len(wrong) > 0 {
		return fault.All(wrong)
	}
	if len(e.Add)+len(e.Remove) == 0 {
		return fault.At("/add", "required", "Name tags to add, or to remove.")
	}
	for _, t := range e.Add {
		if slices.Contains(e.Remove, t) {
			return fault.At("/remove", "both", "The tag %s is to be added and removed; choose one.", t)
		}
	}
	for i := range e.IDs {
		e.IDs[i] = strings.ToLower(e.IDs[i])
	}
	slices.Sort(e.IDs)
	e.IDs = slices.Compact(e.IDs)
	return nil
}

// Apply the edit to the text of one resource's column. Fault kind: invalid where it would bear too many.
func (e Edit) Apply(text string) (string, error) {
	tags := slices.DeleteFunc(Read(text), func(t string) bool { return slices.Contains(e.Remove, t) })
	tags, err := Clean("/add", append(tags, e.Add...))
	return Text(tags), err
}
