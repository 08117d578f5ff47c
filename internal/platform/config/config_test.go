package config_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/secret"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.Flags(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Read(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{
		c.DataDir, c.BaseURL, c.Database.SQLitePath(), c.Database.Postgres(), c.Feed.Dir, c.HTTP.Address, c.ScannerLink.Address,
		c.Scanner.Embedded, c.Scanner.MemoryLimit, len(c.Scan.AllowNetworks), c.API.TokenLifetime, c.Log.Level,
	}
	want := []any{
		"var", "http://127.0.0.1:8080", "var/vedette.db", false, "var/feed", "127.0.0.1:8080", "127.0.0.1:0",
		true, config.ByteSize(512 << 20), 0, 12 * time.Hour, "info",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestNearerSourcesWin(t *testing.T) {
	t.Parallel()
	file := write(t, "vedette.yaml", `
data_dir: /file
http: {address: "127.0.0.1:1"}
log: {level: debug, format: json}
scan:
  allow_networks: [10.0.0.0/8, "fd00::/8"]
  max_parallel: 7
scanner: {embedded: false, memory_limit: 1GiB}
api: {token_lifetime: 30m}
`)
	env := []string{"VEDETTE_CONFIG=" + file, "VEDETTE_HTTP_ADDRESS=127.0.0.1:2", "VEDETTE_LOG_LEVEL=warn", "VEDETTE_LOG_FORMAT=", "HOME=/root"}
	c, err := config.Read(flags(t, "--http-address", "127.0.0.1:3", "--metrics-address", "127.0.0.1:4"), env)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{
		c.HTTP.Address, c.Log.Level, c.Log.Format, c.DataDir, c.Feed.Dir, c.Scan.MaxParallel, c.Scanner.Embedded,
		c.Scanner.MemoryLimit, c.API.TokenLifetime, c.Metrics.Address,
	}
	want := []any{
		"127.0.0.1:3", "warn", "json", "/file", "/file/feed", 7, false, config.ByteSize(1 << 30), 30 * time.Minute, "127.0.0.1:4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	if !slices.Equal(c.Scan.AllowNetworks, networks) {
		t.Errorf("networks %v", c.Scan.AllowNetworks)
	}
	if len(c.Unknown()) != 0 {
		t.Errorf("unknown %v", c.Unknown())
	}
}

func TestListsInTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Read(nil, []string{"VEDETTE_SCAN_ALLOW_NETWORKS=127.0.0.0/8, 10.1.0.0/16,"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Scan.AllowNetworks) != 2 || c.Scan.AllowNetworks[1] != netip.MustParsePrefix("10.1.0.0/16") {
		t.Errorf("networks %v", c.Scan.AllowNetworks)
	}
}

func TestUnknownVariablesAreTold(t *testing.T) {
	t.Parallel()
	c, err := config.Read(nil, []string{"VEDETTE_SCAN_ALLOW_NETWORK=10.0.0.0/8", "VEDETTE_TEST_POSTGRES=x", "OTHER=1"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Unknown(), []string{"VEDETTE_SCAN_ALLOW_NETWORK"}) {
		t.Errorf("unknown %v", c.Unknown())
	}
}

func TestMistakesNameTheOptionItsSourceAndTheRemedy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		file string
		want []string
	}{
		"network":        {env: []string{"VEDETTE_SCAN_ALLOW_NETWORKS=10.0.0.0"}, want: []string{"scan.allow_networks", "10.0.0.0/8", "VEDETTE_SCAN_ALLOW_NETWORKS"}},
		"number":         {env: []string{"VEDETTE_SCAN_MAX_PARALLEL=many"}, want: []string{"scan.max_parallel", "a whole number"}},
		"range":          {env: []string{"VEDETTE_SCAN_MAX_PARALLEL=0"}, want: []string{"scan.max_parallel", "1 to 256"}},
		"bool":           {env: []string{"VEDETTE_SCANNER_EMBEDDED=ja"}, want: []string{"scanner.embedded", "true or false"}},
		"size":           {env: []string{"VEDETTE_SCANNER_MEMORY_LIMIT=lots"}, want: []string{"scanner.memory_limit", "512MiB"}},
		"duration":       {env: []string{"VEDETTE_API_TOKEN_LIFETIME=12"}, want: []string{"api.token_lifetime", "such as 30s"}},
		"short":          {env: []string{"VEDETTE_API_TOKEN_LIFETIME=1s"}, want: []string{"api.token_lifetime: 1s: want 1m0s to"}},
		"address":        {env: []string{"VEDETTE_HTTP_ADDRESS=8080"}, want: []string{"http.address", "HOST:PORT"}},
		"key":            {env: []string{"VEDETTE_SECRET_KEY=c2hvcnQ="}, want: []string{"secret.key", "openssl rand -base64 32"}},
		"database":       {env: []string{"VEDETTE_DATABASE_URL=mysql://x"}, want: []string{"database.url", "sqlite:PATH"}},
		"tls":            {env: []string{"VEDETTE_HTTP_TLS_CERT=a.pem"}, want: []string{"http.tls_cert and http.tls_key", "both"}},
		"level":          {env: []string{"VEDETTE_LOG_LEVEL=loud"}, want: []string{"log.level", "debug, info, warn, error"}},
		"base url":       {env: []string{"VEDETTE_BASE_URL=scan.example.com"}, want: []string{"base_url", "https://HOST"}},
		"short password": {env: []string{"VEDETTE_OPERATOR_PASSWORD=admin"}, want: []string{"operator.password", "12"}},
		"two":            {env: []string{"VEDETTE_LOG_LEVEL=loud", "VEDETTE_MAIL_PORT=70000"}, want: []string{"log.level", "mail.port"}},
		"missing file":   {env: []string{"VEDETTE_CONFIG=/nowhere.yaml"}, want: []string{"/nowhere.yaml"}},
		"missing secret": {env: []string{"VEDETTE_MAIL_PASSWORD_FILE=/nowhere"}, want: []string{"mail.password_file", "/nowhere"}},
		"unknown key":    {file: "http: {addr: x}\nfoo: 1\n", want: []string{"http.addr: no such option", "foo: no such option", "docs/configuration.md"}},
		"number as text": {file: "mail: {password: 0123}\n", want: []string{"mail.password", "in quotes"}},
		"list as text":   {file: "http: {address: [a, b]}\n", want: []string{"http.address", "a text"}},
		"feeds":          {env: []string{"VEDETTE_FEED_SOURCES=http://a/b", "VEDETTE_FEED_TRUSTED_KEYS=x", "VEDETTE_FEED_SYNC_EVERY=1m"}, want: []string{"feed.sources", "https://", "feed.trusted_keys", "feed.sync_every", "10m"}},
		"provider":       {env: []string{"VEDETTE_OIDC_ISSUER=http://id.example", "VEDETTE_OIDC_NAME=a/b", "VEDETTE_API_TOKEN_IDLE=1m"}, want: []string{"oidc.issuer", "https://", "oidc.name", "oidc.email_domains", "oidc.client_id", "api.token_idle", "5m"}},
		"domains":        {env: []string{"VEDETTE_OIDC_ISSUER=https://id.example", "VEDETTE_OIDC_CLIENT_ID=x", "VEDETTE_OIDC_EMAIL_DOMAINS=@example.org"}, want: []string{"oidc.email_domains", "example.com"}},
		"not yaml":       {file: "http: [\n", want: []string{"not YAML"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := c.env
			if c.file != "" {
				env = append(env, "VEDETTE_CONFIG="+write(t, "vedette.yaml", c.file))
			}
			_, err := config.Read(nil, env)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
		})
	}
}

func TestSecretFromAFile(t *testing.T) {
	t.Parallel()
	path := write(t, "password", "correct horse battery\n")
	c, err := config.Read(nil, []string{"VEDETTE_OPERATOR_PASSWORD_FILE=" + path})
	if err != nil || c.Operator.Password.Reveal() != "correct horse battery" {
		t.Fatalf("%q, %v", c.Operator.Password.Reveal(), err)
	}
	c, err = config.Read(flags(t, "--operator-password-file", path), []string{"VEDETTE_OPERATOR_PASSWORD=overridden by flag"})
	if err != nil || c.Operator.Password.Reveal() != "correct horse battery" {
		t.Fatalf("%q, %v", c.Operator.Password.Reveal(), err)
	}
	file := write(t, "vedette.yaml", "operator: {password_file: "+path+"}\n")
	c, err = config.Read(nil, []string{"VEDETTE_CONFIG=" + file, "VEDETTE_OPERATOR_PASSWORD=nearer than the file"})
	if err != nil || c.Operator.Password.Reveal() != "nearer than the file" {
		t.Fatalf("%q, %v", c.Operator.Password.Reveal(), err)
	}
}

func TestSecretsHaveNoFlag(t *testing.T) {
	t.Parallel()
	set := flags(t)
	for _, name := range []string{"secret-key", "secret-old-keys", "operator-password", "mail-password"} {
		if set.Lookup(name) != nil {
			t.Errorf("--%s exists", name)
		}
	}
	for _, name := range []string{"secret-key-file", "database-url", "database-url-file", "scan-allow-networks", "config"} {
		if set.Lookup(name) == nil {
			t.Errorf("--%s does not exist", name)
		}
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	const words = "hunter2hunter2"
	key, old := secret.NewKey().Encode(), secret.NewKey().Encode()
	c, err := config.Read(nil, []string{
		"VEDETTE_DATABASE_URL=postgres://vedette:" + words + "@db/vedette", "VEDETTE_SECRET_KEY=" + key,
		"VEDETTE_SECRET_OLD_KEYS=" + old, "VEDETTE_OPERATOR_PASSWORD=" + words, "VEDETTE_MAIL_PASSWORD=" + words,
	})
	if err != nil {
		t.Fatal(err)
	}
	text := c.Redacted()
	for _, leak := range []string{words, key, old} {
		if strings.Contains(text, leak) {
			t.Errorf("%q in:\n%s", leak, text)
		}
	}
	for _, want := range []string{"database.url: " + secret.Dots, "http.address: 127.0.0.1:8080", "secret.old_keys: [" + secret.Dots + "]"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

func TestSealingKeyIsMadeOnceAndForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	c, err := config.Read(nil, []string{"VEDETTE_DATA_DIR=" + dir})
	if err != nil {
		t.Fatal(err)
	}
	first, _, made, err := c.SealingKeys()
	if err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	second, _, made, err := c.SealingKeys()
	if err != nil || made || second.ID() != first.ID() {
		t.Fatalf("made %v, %v", made, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestProcessesThatStartTogetherAgreeOnTheKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := make(chan string)
	for range 8 {
		go func() {
			c, err := config.Read(nil, []string{"VEDETTE_DATA_DIR=" + dir})
			if err != nil {
				ids <- err.Error()
				return
			}
			key, _, _, err := c.SealingKeys()
			if err != nil {
				ids <- err.Error()
				return
			}
			ids <- key.ID()
		}()
	}
	first := <-ids
	for range 7 {
		if id := <-ids; id != first {
			t.Errorf("%s and %s", id, first)
		}
	}
}

func TestConfiguredKeyLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir, key, old := t.TempDir(), secret.NewKey(), secret.NewKey()
	c, err := config.Read(nil, []string{
		"VEDETTE_DATA_DIR=" + dir, "VEDETTE_SECRET_KEY=" + key.Encode(), "VEDETTE_SECRET_OLD_KEYS=" + old.Encode(),
	})
	if err != nil {
		t.Fatal(err)
	}
	active, older, made, err := c.SealingKeys()
	if err != nil || made || active.ID() != key.ID() || len(older) != 1 || older[0].ID() != old.ID() {
		t.Fatalf("%v %v %v %v", active, older, made, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	if _, err := c.Sealer(); err != nil {
		t.Error(err)
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.ByteSize{"0": 0, "17": 17, "17B": 17, "64KiB": 64 << 10, "1 GiB": 1 << 30} {
		var b config.ByteSize
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5GiB", "1GB", "9999999999GiB", "MiB"} {
		var b config.ByteSize
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
	if s := config.ByteSize(512 << 20).String(); s != "512MiB" {
		t.Error(s)
	}
}

func TestReferenceIsFresh(t *testing.T) {
	t.Parallel()
	const path = "../../../docs/configuration.md"
	want := config.Reference()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/configuration.md is stale (%v): run go test ./internal/platform/config -update", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("http: {address: '127.0.0.1:1'}\nscan: {allow_networks: [10.0.0.0/8]}\n")
	f.Add("a: &a [*a]\n")
	f.Add("data_dir: [1, {x: y}]\nhttp: 3\n? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(t.TempDir(), "vedette.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := config.Read(nil, []string{"VEDETTE_CONFIG=" + path}); err == nil && c.DataDir == "" {
			t.Error("no data directory")
		}
	})
}

func TestEmptyFileSetsNothing(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "# nothing yet\n", "http:\n", "http: {address: }\n"} {
		c, err := config.Read(nil, []string{"VEDETTE_CONFIG=" + write(t, "vedette.yaml", content)})
		if err != nil || c.HTTP.Address != "127.0.0.1:8080" {
			t.Errorf("%q: %v", content, err)
		}
	}
}
