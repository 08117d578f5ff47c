package oneshot

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

const maxCredentials = 256 << 10

// kinds of credentials, in the order in which they are told.
var credentialKinds = []string{"ssh", "smb", "snmp", "http", "esxi"}

// credential is one entry of the file.
type credential struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	Key      string `yaml:"key"`
	KeyFile  string `yaml:"key_file"`
}

// readCredentials reads the logins of the scan from a file that only its owner may read, or from standard input; a command
// line is no place for a secret. What is wrong is told without quoting the file.
func (j *job) readCredentials(context.Context) error {
	if j.options.Credentials == "" {
		return nil
	}
	raw, err := j.credentialsFile()
	if err != nil {
		return fmt.Errorf("--credentials: %w", err)
	}
	var all map[string]credential
	if yaml.Unmarshal(raw, &all) != nil || len(all) == 0 {
		return fault.New(fault.Invalid, "--credentials: the file is not YAML or JSON with a username, password, key or key_file for each of %s", strings.Join(credentialKinds, ", "))
	}
	for kind := range all {
		if !slices.Contains(credentialKinds, kind) {
			return fault.New(fault.Invalid, "--credentials: there is no kind %q; there are %s", plain(kind), strings.Join(credentialKinds, ", "))
		}
	}
	for _, kind := range credentialKinds {
		c, given := all[kind]
		if !given {
			continue
		}
		if err := j.addCredential(kind, c); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) addCredential(kind string, c credential) error {
	if c.KeyFile != "" {
		key, err := readFile(c.KeyFile, maxCredentials)
		if err != nil {
			return fmt.Errorf("--credentials: %s: %w", kind, err)
		}
		c.Key = string(key)
	}
	switch {
	case c.Username == "" && kind != "snmp":
		return fault.New(fault.Invalid, "--credentials: %s needs a username", kind)
	case c.Key != "" && kind != "ssh":
		return fault.New(fault.Invalid, "--credentials: only ssh takes a key; give %s a password", kind)
	case c.Password == "" && c.Key == "":
		return fault.New(fault.Invalid, "--credentials: %s needs a password", kind)
	}
	j.plan.Credentials = append(j.plan.Credentials, scanlink.Credential{Kind: kind, Username: c.Username, Password: c.Password, Key: c.Key})
	return nil
}

func (j *job) credentialsFile() ([]byte, error) {
	if j.options.Credentials == "-" {
		if j.options.TargetsFile == "-" {
			return nil, fault.New(fault.Invalid, "standard input cannot be both the targets and the credentials")
		}
		return io.ReadAll(io.LimitReader(j.streams.In, maxCredentials))
	}
	st, err := os.Stat(j.options.Credentials)
	if err != nil {
		return nil, err
	}
	if st.Mode().IsRegular() && st.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "others may read %s; take that from them with chmod 600", plain(j.options.Credentials))
	}
	return readFile(j.options.Credentials, maxCredentials)
}
