package config

import (
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/secret"
)

const envPrefix = "VEDETTE_"

var (
	textType     = reflect.TypeFor[secret.Text]()
	textListType = reflect.TypeFor[[]secret.Text]()
	prefixType   = reflect.TypeFor[[]netip.Prefix]()
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[ByteSize]()
)

// option is one field of Config.
type option struct {
	key      string
	fallback string // as written in a file; "" for the zero value
	derived  string // what "" becomes, in words
	doc      string
	hasFlag  bool
	index    []int
	kind     reflect.Type
}

// options lists the fields of Config in the order of their declaration.
func options() []option { return optionsOf(reflect.TypeFor[Config](), "", nil) }

func optionsOf(t reflect.Type, prefix string, index []int) []option {
	var found []option
	for i := range t.NumField() {
		field := t.Field(i)
		key, tagged := field.Tag.Lookup("key")
		if !tagged {
			continue
		}
		at := append(append([]int{}, index...), i)
		if field.Type.Kind() == reflect.Struct {
			found = append(found, optionsOf(field.Type, prefix+key+".", at)...)
			continue
		}
		o := option{
			key: prefix + key, fallback: field.Tag.Get("default"), derived: field.Tag.Get("derived"),
			doc: field.Tag.Get("doc"), index: at, kind: field.Type,
		}
		o.hasFlag = !o.secret() || field.Tag.Get("flag") == "yes"
		found = append(found, o)
	}
	return found
}

func (o option) secret() bool { return o.kind == textType || o.kind == textListType }

// env is the environment variable, VEDETTE_HTTP_ADDRESS for http.address.
func (o option) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(o.key, ".", "_"))
}

// flag is the command line flag, http-address for http.address.
func (o option) flag() string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(o.key)
}

// fileOption is the companion of a secret that names a file to read it from; ok is false for other options.
func (o option) fileOption() (file option, ok bool) {
	if o.kind != textType {
		return option{}, false
	}
	return option{
		key: o.key + "_file", doc: "File to read " + o.key + " from.", hasFlag: true, kind: reflect.TypeFor[string](),
	}, true
}

// expects says what a value of the option looks like, for error messages and the reference.
func (o option) expects() string {
	switch {
	case o.kind == prefixType:
		return "networks such as 10.0.0.0/8, separated by commas"
	case o.kind == durationType:
		return "a duration such as 30s, 15m or 12h"
	case o.kind == sizeType:
		return "a size such as 512MiB"
	case o.kind.Kind() == reflect.Bool:
		return "true or false"
	case o.kind.Kind() == reflect.Int:
		return "a whole number"
	case o.kind.Kind() == reflect.Slice:
		return "texts, separated by commas"
	}
	return "a text (in the file, in quotes)"
}

// every is all options with the companions of secrets.
func every() []option {
	var all []option
	for _, o := range options() {
		all = append(all, o)
		if file, ok := o.fileOption(); ok {
			all = append(all, file)
		}
	}
	return all
}
