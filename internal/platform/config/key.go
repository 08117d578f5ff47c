package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vedette/vedette/internal/platform/secret"
)

const keyFile = "secret.key"

// SealingKeys gives the key that seals and the older ones that only open. Where no key is configured it is read from
// data_dir/secret.key; that file is made, readable by its owner alone, when it does not exist, and made is then true:
// an installation that already holds sealed values has lost its key.
func (c *Config) SealingKeys() (active secret.Key, older []secret.Key, made bool, err error) {
	for _, text := range c.Secret.OldKeys {
		key, err := secret.ParseKey(text.Reveal())
		if err != nil {
			return secret.Key{}, nil, false, fmt.Errorf("secret.old_keys: %w", err)
		}
		older = append(older, key)
	}
	if !c.Secret.Key.Empty() {
		active, err = secret.ParseKey(c.Secret.Key.Reveal())
		if err != nil {
			err = fmt.Errorf("secret.key: %w", err)
		}
		return active, older, false, err
	}
	active, made, err = keyInFile(filepath.Join(c.DataDir, keyFile))
	return active, older, made, err
}

// Sealer is made of SealingKeys.
func (c *Config) Sealer() (*secret.Sealer, error) {
	active, older, _, err := c.SealingKeys()
	if err != nil {
		return nil, err
	}
	return secret.NewSealer(active, older...)
}

func keyInFile(path string) (key secret.Key, made bool, err error) {
	content, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKeyFile(path)
	}
	if err != nil {
		return secret.Key{}, false, fmt.Errorf("sealing key: %w", err)
	}
	key, err = secret.ParseKey(string(content))
	if err != nil {
		return secret.Key{}, false, fmt.Errorf("%s: %w", path, err)
	}
	return key, false, nil
}

// makeKeyFile writes a new key beside its place and links it there, so that of two processes that start together one
// wins and both use its key, and a crash leaves no half-written key.
func makeKeyFile(path string) (key secret.Key, made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return secret.Key{}, false, fmt.Errorf("sealing key: %w", err)
	}
	key = secret.NewKey()
	draft, err := os.CreateTemp(filepath.Dir(path), keyFile+".*") // made with mode 0600
	if err != nil {
		return secret.Key{}, false, fmt.Errorf("sealing key: %w", err)
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(key.Encode() + "\n")
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return secret.Key{}, false, fmt.Errorf("sealing key: %w", err)
	}
	switch err := os.Link(draft.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return keyInFile(path)
	case err != nil:
		return secret.Key{}, false, fmt.Errorf("sealing key: %w", err)
	}
	return key, true, nil
}
