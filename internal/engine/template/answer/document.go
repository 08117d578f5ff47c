// Package answer makes, from the text of a template alone, an answer that the template calls vulnerable, and the same
// answer with one matched element changed. It is the other opinion on what templates mean: it knows nothing of the
// runner, which it exists to judge, and reads the format by a reading of its own.
package answer

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

type document struct {
	ID   string `yaml:"id"`
	Info struct {
		Tags string `yaml:"tags"`
	} `yaml:"info"`
	Flow      string    `yaml:"flow"`
	Variables yaml.Node `yaml:"variables"`
	HTTP      []block   `yaml:"http"`
	Requests  []block   `yaml:"requests"`
	TCP       []block   `yaml:"tcp"`
	Network   []block   `yaml:"network"`
	DNS       []block   `yaml:"dns"`
	SSL       []block   `yaml:"ssl"`
}

// block is one entry of a protocol's list. Each protocol uses its own part of the fields.
type block struct {
	Method     string               `yaml:"method"`
	Path       list                 `yaml:"path"`
	Raw        list                 `yaml:"raw"`
	Body       string               `yaml:"body"`
	Headers    map[string]string    `yaml:"headers"`
	Payloads   map[string]yaml.Node `yaml:"payloads"`
	Condition  string               `yaml:"matchers-condition"`
	Matchers   []matcher            `yaml:"matchers"`
	Extractors []extractor          `yaml:"extractors"`
	Inputs     []struct {
		Data string `yaml:"data"`
		Type string `yaml:"type"`
		Read int    `yaml:"read"`
		Name string `yaml:"name"`
	} `yaml:"inputs"`
	Host list   `yaml:"host"`
	Port string `yaml:"port"`
	Name string `yaml:"name"`
	Type string `yaml:"type"`
}

type matcher struct {
	Type      string `yaml:"type"`
	Part      string `yaml:"part"`
	Condition string `yaml:"condition"`
	Negative  bool   `yaml:"negative"`
	Internal  bool   `yaml:"internal"`
	Fold      bool   `yaml:"case-insensitive"`
	Encoding  string `yaml:"encoding"`
	Status    []int  `yaml:"status"`
	Size      []int  `yaml:"size"`
	Words     list   `yaml:"words"`
	Regex     list   `yaml:"regex"`
	Binary    list   `yaml:"binary"`
	DSL       list   `yaml:"dsl"`
}

type extractor struct {
	Type     string `yaml:"type"`
	Name     string `yaml:"name"`
	Part     string `yaml:"part"`
	Internal bool   `yaml:"internal"`
	Group    int    `yaml:"group"`
	Regex    list   `yaml:"regex"`
	KVal     list   `yaml:"kval"`
	JSON     list   `yaml:"json"`
	XPath    list   `yaml:"xpath"`
	DSL      list   `yaml:"dsl"`
}

type list []string

func (l *list) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = list{n.Value}
		return nil
	}
	for _, item := range n.Content {
		*l = append(*l, item.Value)
	}
	return nil
}

func parse(b []byte) (*document, error) {
	var d document
	if err := yaml.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("not a template: %w", err)
	}
	d.HTTP = append(d.HTTP, d.Requests...)
	d.TCP = append(d.TCP, d.Network...)
	return &d, nil
}

// kind is the first protocol, with its blocks.
func (d *document) kind() (string, []block) {
	switch {
	case len(d.HTTP) > 0:
		return "http", d.HTTP
	case len(d.TCP) > 0:
		return "network", d.TCP
	case len(d.DNS) > 0:
		return "dns", d.DNS
	}
	return "ssl", d.SSL
}

func (d *document) tags() []string {
	var all []string
	for t := range strings.SplitSeq(d.Info.Tags, ",") {
		if t = strings.ToLower(strings.TrimSpace(t)); t != "" {
			all = append(all, t)
		}
	}
	return all
}

// variables as written, by name.
func (d *document) variables() map[string]string {
	all := map[string]string{}
	for i := 0; i+1 < len(d.Variables.Content); i += 2 {
		all[d.Variables.Content[i].Value] = d.Variables.Content[i+1].Value
	}
	return all
}
