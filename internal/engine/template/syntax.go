package template

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

const maxFile = 2 << 20 // bytes of one template

// document is a template as written.
type document struct {
	ID            string      `yaml:"id"`
	Info          info        `yaml:"info"`
	SelfContained bool        `yaml:"self-contained"`
	Flow          string      `yaml:"flow"`
	Variables     yaml.Node   `yaml:"variables"`
	Constants     yaml.Node   `yaml:"constants"`
	HTTP          []httpBlock `yaml:"http"`
	Requests      []httpBlock `yaml:"requests"`
	TCP           []tcpBlock  `yaml:"tcp"`
	Network       []tcpBlock  `yaml:"network"`
	DNS           []dnsBlock  `yaml:"dns"`
	SSL           []sslBlock  `yaml:"ssl"`
	Code          yaml.Node   `yaml:"code"`
	JavaScript    yaml.Node   `yaml:"javascript"`
	Headless      yaml.Node   `yaml:"headless"`
	File          []operators `yaml:"file"`
	Websocket     yaml.Node   `yaml:"websocket"`
	Whois         yaml.Node   `yaml:"whois"`
	Workflows     workflow    `yaml:"workflows"`
}

type info struct {
	Name           string         `yaml:"name"`
	Severity       string         `yaml:"severity"`
	Description    string         `yaml:"description"`
	Impact         string         `yaml:"impact"`
	Remediation    string         `yaml:"remediation"`
	Reference      texts          `yaml:"reference"`
	Tags           tags           `yaml:"tags"`
	Classification classification `yaml:"classification"`
	Metadata       map[string]any `yaml:"metadata"`
}

type classification struct {
	CVSSMetrics string `yaml:"cvss-metrics"`
	CVEID       tags   `yaml:"cve-id"`
	CWEID       tags   `yaml:"cwe-id"`
	CPE         string `yaml:"cpe"`
}

type operators struct {
	Matchers          []matcherSyntax   `yaml:"matchers"`
	Extractors        []extractorSyntax `yaml:"extractors"`
	MatchersCondition string            `yaml:"matchers-condition"`
}

type matcherSyntax struct {
	Type            string `yaml:"type"`
	Name            string `yaml:"name"`
	Part            string `yaml:"part"`
	Condition       string `yaml:"condition"`
	Negative        bool   `yaml:"negative"`
	Internal        bool   `yaml:"internal"`
	CaseInsensitive bool   `yaml:"case-insensitive"`
	Encoding        string `yaml:"encoding"`
	Status          texts  `yaml:"status"`
	Size            texts  `yaml:"size"`
	Words           texts  `yaml:"words"`
	Regex           texts  `yaml:"regex"`
	Binary          texts  `yaml:"binary"`
	DSL             texts  `yaml:"dsl"`
	XPath           texts  `yaml:"xpath"`
}

type extractorSyntax struct {
	Type            string `yaml:"type"`
	Name            string `yaml:"name"`
	Part            string `yaml:"part"`
	Internal        bool   `yaml:"internal"`
	CaseInsensitive bool   `yaml:"case-insensitive"`
	Group           int    `yaml:"group"`
	Attribute       string `yaml:"attribute"`
	Regex           texts  `yaml:"regex"`
	KVal            texts  `yaml:"kval"`
	JSON            texts  `yaml:"json"`
	XPath           texts  `yaml:"xpath"`
	DSL             texts  `yaml:"dsl"`
}

type httpBlock struct {
	operators         `yaml:",inline"`
	ID                string            `yaml:"id"`
	Method            string            `yaml:"method"`
	Path              texts             `yaml:"path"`
	Raw               texts             `yaml:"raw"`
	Headers           map[string]string `yaml:"headers"`
	Body              string            `yaml:"body"`
	Payloads          yaml.Node         `yaml:"payloads"`
	Attack            string            `yaml:"attack"`
	Redirects         bool              `yaml:"redirects"`
	HostRedirects     bool              `yaml:"host-redirects"`
	MaxRedirects      int               `yaml:"max-redirects"`
	DisableCookie     bool              `yaml:"disable-cookie"`
	Unsafe            bool              `yaml:"unsafe"`
	StopAtFirstMatch  bool              `yaml:"stop-at-first-match"`
	SkipVariables     bool              `yaml:"skip-variables-check"`
	Race              bool              `yaml:"race"`
	RaceCount         int               `yaml:"race_count"`
	Signature         string            `yaml:"signature"`
	GlobalMatchers    bool              `yaml:"global-matchers"`
	DigestUsername    string            `yaml:"digest-username"`
	DigestPassword    string            `yaml:"digest-password"`
	Fuzzing           yaml.Node         `yaml:"fuzzing"`
	SelfContained     bool              `yaml:"self-contained"`
	IterateAll        bool              `yaml:"iterate-all"`
	DisableAutomerge  bool              `yaml:"disable-path-automerge"`
	RequestConditions bool              `yaml:"req-condition"`
}

type tcpBlock struct {
	operators `yaml:",inline"`
	Host      texts     `yaml:"host"`
	Port      string    `yaml:"port"`
	Inputs    []input   `yaml:"inputs"`
	Payloads  yaml.Node `yaml:"payloads"`
	Attack    string    `yaml:"attack"`
	ReadSize  int       `yaml:"read-size"`
	ReadAll   bool      `yaml:"read-all"`
}

type input struct {
	Data string `yaml:"data"`
	Type string `yaml:"type"`
	Read int    `yaml:"read"`
	Name string `yaml:"name"`
}

type dnsBlock struct {
	operators `yaml:",inline"`
	Name      string `yaml:"name"`
	Type      string `yaml:"type"`
	Class     string `yaml:"class"`
	Recursion *bool  `yaml:"recursion"`
}

type sslBlock struct {
	operators  `yaml:",inline"`
	Address    string `yaml:"address"`
	MinVersion string `yaml:"min_version"`
	MaxVersion string `yaml:"max_version"`
}

// texts is a list of texts; a single value stands for a list of one.
type texts []string

func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag != "!!null" {
			*t = texts{n.Value}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: expected text", item.Line)
			}
			*t = append(*t, item.Value)
		}
	default:
		return fmt.Errorf("line %d: expected a text or a list of texts", n.Line)
	}
	return nil
}

// tags is a list that may also be written as one text with commas.
type tags []string

func (t *tags) UnmarshalYAML(n *yaml.Node) error {
	var all texts
	if err := all.UnmarshalYAML(n); err != nil {
		return err
	}
	for _, s := range all {
		for one := range strings.SplitSeq(s, ",") {
			if one = strings.TrimSpace(one); one != "" {
				*t = append(*t, one)
			}
		}
	}
	return nil
}

// pair is one entry of a mapping, in the order written.
type pair struct {
	key   string
	value *yaml.Node
}

func pairs(n *yaml.Node) []pair {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	var all []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		all = append(all, pair{n.Content[i].Value, n.Content[i+1]})
	}
	return all
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
