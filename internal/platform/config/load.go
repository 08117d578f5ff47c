package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"

	"github.com/vedette/vedette/internal/platform/secret"
)

const (
	fileFlag = "config"
	fileEnv  = envPrefix + "CONFIG"
	maxFile  = 1 << 20 // bytes of a configuration or secret file
)

// Flags adds a flag for each option that may stand on a command line, and --config for the file.
func Flags(flags *pflag.FlagSet) {
	flags.String(fileFlag, "", "configuration file, YAML (environment "+fileEnv+")")
	for _, o := range every() {
		if !o.hasFlag {
			continue
		}
		flags.String(o.flag(), o.fallback, o.doc)
		flags.Lookup(o.flag()).DefValue = o.fallback
		if o.kind.Kind() == reflect.Bool {
			flags.Lookup(o.flag()).NoOptDefVal = "true"
		}
	}
}

// Load reads the configuration of this process: its environment, the file that --config or VEDETTE_CONFIG names, and
// flags, which Flags must have prepared; nil for none.
func Load(flags *pflag.FlagSet) (*Config, error) { return Read(flags, os.Environ()) }

// Read is Load for a given environment, in the form of os.Environ. Its error lists every mistake, each with the name
// of the option, where it was set, and what would be right. A variable set to nothing counts as not set.
func Read(flags *pflag.FlagSet, environ []string) (*Config, error) {
	env := ours(environ)
	layers := []layer{defaults()}
	if path := filePath(flags, env); path != "" {
		file, err := readFile(path)
		if err != nil {
			return nil, err
		}
		layers = append(layers, file)
	}
	fromEnv, unknown := environment(env)
	layers = append(layers, fromEnv, commandLine(flags))

	cfg := &Config{unknown: unknown}
	if err := decode(layers, cfg); err != nil {
		return nil, err
	}
	cfg.derive()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// layer is one source of settings: key to value, and how to name the place of a key to the operator.
type layer struct {
	values map[string]any
	where  func(o option) string
}

// ReadBytes is part of koanf.Provider; a layer is never bytes.
func (l layer) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// Read gives the settings as nested maps.
func (l layer) Read() (map[string]any, error) {
	nested := map[string]any{}
	for key, value := range l.values {
		at := nested
		parts := strings.Split(key, ".")
		for _, part := range parts[:len(parts)-1] {
			if at[part] == nil {
				at[part] = map[string]any{}
			}
			at = at[part].(map[string]any)
		}
		at[parts[len(parts)-1]] = value
	}
	return nested, nil
}

func defaults() layer {
	values := map[string]any{}
	for _, o := range options() {
		if o.fallback != "" {
			values[o.key] = o.fallback
		}
	}
	return layer{values, func(option) string { return "its default" }}
}

func ours(environ []string) map[string]string {
	env := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, envPrefix) && value != "" {
			env[name] = value
		}
	}
	return env
}

func environment(env map[string]string) (l layer, unknown []string) {
	rest := maps.Clone(env)
	delete(rest, fileEnv)
	values := map[string]any{}
	for _, o := range every() {
		if value, set := env[o.env()]; set {
			values[o.key] = value
			delete(rest, o.env())
		}
	}
	for name := range rest {
		if !strings.HasPrefix(name, envPrefix+"TEST_") {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return layer{values, func(o option) string { return "environment variable " + o.env() }}, unknown
}

func commandLine(flags *pflag.FlagSet) layer {
	values := map[string]any{}
	for _, o := range every() {
		if flags == nil || !o.hasFlag {
			continue
		}
		if f := flags.Lookup(o.flag()); f != nil && f.Changed {
			values[o.key] = f.Value.String()
		}
	}
	return layer{values, func(o option) string { return "flag --" + o.flag() }}
}

func filePath(flags *pflag.FlagSet, env map[string]string) string {
	if flags != nil {
		if f := flags.Lookup(fileFlag); f != nil && f.Changed {
			return f.Value.String()
		}
	}
	return env[fileEnv]
}

func readFile(path string) (layer, error) {
	content, err := readBounded(path)
	if err != nil {
		return layer{}, fmt.Errorf("configuration file: %w", err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		return layer{}, fmt.Errorf("configuration file %s is not YAML: %w", path, err)
	}
	known := map[string]bool{}
	for _, o := range every() {
		known[o.key] = true
	}
	values := map[string]any{}
	var mistakes []error
	flatten("", tree, known, values, func(key string) {
		mistakes = append(mistakes, fmt.Errorf("%s: no such option (configuration file %s); docs/configuration.md lists them", key, path))
	})
	l := layer{values, func(o option) string { return "configuration file " + path }}
	return l, errors.Join(mistakes...)
}

// flatten fills values with the settings of tree; refuse hears of keys that are no option.
func flatten(prefix string, tree map[string]any, known map[string]bool, values map[string]any, refuse func(string)) {
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		key := prefix + name
		branch, isBranch := tree[name].(map[string]any)
		switch {
		case known[key] && tree[name] != nil:
			values[key] = tree[name]
		case isBranch:
			flatten(key+".", branch, known, values, refuse)
		case tree[name] != nil:
			refuse(key)
		}
	}
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return content, nil
}

// decode merges the layers, later ones over earlier ones, and fills cfg.
func decode(layers []layer, cfg *Config) error {
	merged := koanf.New(".")
	for _, l := range layers {
		if err := merged.Load(l, nil); err != nil {
			return fmt.Errorf("configuration: %w", err)
		}
	}
	var mistakes []error
	for _, o := range options() {
		set := topmost(layers, o)
		target := reflect.ValueOf(cfg).Elem().FieldByIndex(o.index)
		if file, ok := o.fileOption(); ok && overrides(layers, file, o) {
			content, err := readBounded(merged.String(file.key))
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("%s: %w", file.key, err))
			}
			target.SetString(strings.TrimSpace(string(content)))
			continue
		}
		if set == nil {
			continue
		}
		if err := decodeOne(merged, o, target); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: want %s (from %s)", o.key, o.expects(), set.where(o)))
		}
	}
	return errors.Join(mistakes...)
}

func topmost(layers []layer, o option) *layer {
	for i := range slices.Backward(layers) {
		if _, set := layers[i].values[o.key]; set {
			return &layers[i]
		}
	}
	return nil
}

// overrides says whether the file of a secret is set at least as near to the process as the secret itself.
func overrides(layers []layer, file, o option) bool {
	for i := range slices.Backward(layers) {
		if _, set := layers[i].values[file.key]; set {
			return true
		}
		if _, set := layers[i].values[o.key]; set {
			return false
		}
	}
	return false
}

var errNotText = errors.New("not a text")

func decodeOne(merged *koanf.Koanf, o option, target reflect.Value) error {
	raw := merged.Get(o.key)
	if _, isText := raw.(string); !isText && target.Kind() == reflect.String {
		return errNotText // YAML made 83 of a password 0123; guessing would be worse than asking
	}
	return merged.UnmarshalWithConf(o.key, target.Addr().Interface(), koanf.UnmarshalConf{
		DecoderConfig: &mapstructure.DecoderConfig{
			WeaklyTypedInput: true,
			DecodeHook: mapstructure.ComposeDecodeHookFunc(
				splitList, mapstructure.TextUnmarshallerHookFunc(), mapstructure.StringToTimeDurationHookFunc(),
			),
		},
	})
}

// splitList turns "a, b" into a list where a list is wanted.
func splitList(from, to reflect.Type, value any) (any, error) {
	text, isText := value.(string)
	if !isText || to.Kind() != reflect.Slice {
		return value, nil
	}
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, nil
}

// Redacted is every option with its value, one a line, secrets as dots: for logs and support.
func (c *Config) Redacted() string {
	var out strings.Builder
	for _, o := range options() {
		value := reflect.ValueOf(c).Elem().FieldByIndex(o.index).Interface()
		if text, ok := value.(secret.Text); ok {
			value = text.String()
		}
		fmt.Fprintf(&out, "%s: %v\n", o.key, value)
	}
	return out.String()
}
