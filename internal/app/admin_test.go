package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/mail"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Few values, and yet several batches.
func init() { resealBatch = 3 }

// admin is the operator's tool on the program's database, which other settings may change.
func (p *program) admin(settings ...string) *Admin {
	p.Helper()
	c := *p.app.Config
	if len(settings) > 0 {
		c = *p.configured(settings...)
	}
	a, err := OpenAdmin(context.Background(), &c, p.clock)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = a.Close() })
	return a
}

func (p *program) configured(settings ...string) *config.Config {
	p.Helper()
	database := p.app.Config.Database.URL.Reveal()
	c, err := config.Read(nil, append([]string{"VEDETTE_DATA_DIR=" + p.app.Config.DataDir, "VEDETTE_DATABASE_URL=" + database}, settings...))
	if err != nil {
		p.Fatal(err)
	}
	return c
}

// waiting is a job that would be done in an hour.
func (p *program) waiting(all ...jobs.Args) {
	p.Helper()
	err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		for _, args := range all {
			if err := jobs.EnqueueWith(tx, args, &river.InsertOpts{ScheduledAt: clock.Now().Add(time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.Fatal(err)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		ctx := context.Background()
		acme := p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		scan := p.scan(m, "weekly", p.target(m, "shop", "192.0.2.7"))
		daily := p.schedule(m, "daily", object{"first_time": p.clock.Now().Add(time.Hour).Format("2006-01-02 15:04:05"), "period": 1, "period_unit": "day", "timezone": "UTC"})
		p.must(200, m, "PUT", "/v2/scans/"+scan, object{"scan": object{"schedule": daily}})
		p.must(200, m, "POST", "/v2/scans/"+scan+"/start", nil)
		hash, _, err := p.app.blob.Put(ctx, strings.NewReader("a report"), 100)
		if err != nil {
			p.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(p.app.Config.Feed.Dir, "download"), 0o700); err != nil {
			p.Fatal(err)
		}
		for _, name := range []string{"collection.json", "download/large.json"} {
			if err := os.WriteFile(filepath.Join(p.app.Config.Feed.Dir, name), []byte("{}"), 0o600); err != nil {
				p.Fatal(err)
			}
		}
		actor := jobs.Actor{OrganizationID: acme, OrganizationName: "acme"}
		p.waiting(mail.Letter{To: "a@acme.example"}, mail.Letter{To: "b@acme.example"},
			outbox.Delivery{Actor: actor, Subscriber: "webhook", EventID: db.NewID()}, outbox.Delivery{Actor: actor, Subscriber: reportSubscriber, EventID: db.NewID()})

		var file bytes.Buffer
		done, err := p.admin().Backup(ctx, &file)
		lite := p.app.DB.Dialect() == db.SQLite
		if err != nil || !done.Key || done.Database != lite || done.Files < 3 {
			p.Fatalf("%+v, %v", done, err)
		}
		if left, err := filepath.Glob(filepath.Join(p.app.Config.DataDir, ".backup-*")); err != nil || len(left) > 0 {
			p.Errorf("copies of the database are left: %v, %v", left, err)
		}
		q := p.restored(file.Bytes(), func(r Restored) {
			if r.Jobs["mail"] != 2 || r.Jobs["event"] < 1 || r.Schedules != 1 || r.Runs != 1 || r.Sessions < 2 {
				p.Errorf("%+v", r)
			}
		})
		q.afterRestore(hash, m, scan, daily)
		if n, broken, err := q.admin().VerifyAudit(ctx); err != nil || len(broken) > 0 || n < 2 {
			p.Errorf("%d, %v, %v", n, broken, err)
		}
	})
}

// restored is a program on the restored copy, two days later.
func (p *program) restored(file []byte, look func(Restored)) *program {
	p.Helper()
	ctx := context.Background()
	dir := p.TempDir()
	env := []string{"VEDETTE_DATA_DIR=" + dir, "VEDETTE_HTTP_ADDRESS=127.0.0.1:0", "VEDETTE_SCANNER_EMBEDDED=true", "VEDETTE_MAIL_HOST=" + p.mail.Host, fmt.Sprint("VEDETTE_MAIL_PORT=", p.mail.Port)}
	if p.app.DB.Dialect() == db.Postgres {
		env = append(env, "VEDETTE_DATABASE_URL="+p.app.Config.Database.URL.Reveal())
	}
	c, err := config.Read(nil, env)
	if err != nil {
		p.Fatal(err)
	}
	q := &program{T: p.T, clock: &clock.Clock{}, tokens: map[string]string{"before": p.tokens["manager@acme"]}, log: &journal{}, mail: p.mail}
	q.clock.Move(48 * time.Hour)
	log := slog.New(slog.NewTextHandler(q.log, nil))
	r, err := Restore(ctx, c, bytes.NewReader(file), q.clock)
	if err != nil {
		p.Fatal(err)
	}
	look(r)
	if !c.Database.Postgres() {
		if _, err := Restore(ctx, c, bytes.NewReader(file), q.clock); err == nil || !strings.Contains(err.Error(), "is there") {
			p.Errorf("over a database: %v", err)
		}
	}
	if q.app, err = New(ctx, c, log, q.clock); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		_ = q.app.link.Shutdown(ctx)
		_ = q.app.listener.Close()
		_ = q.app.close()
	})
	return q
}

// afterRestore looks at what there is, and that nothing of it happens again.
func (p *program) afterRestore(hash blob.Hash, m, scan, daily string) {
	p.Helper()
	ctx := context.Background()
	if p.app.First != nil {
		p.Error("the restored copy starts for the first time")
	}
	p.refused(401, "", "GET", "/v2/user/me", nil, bearer(p.tokens["before"])...)
	if err := p.app.blob.Check(hash); err != nil {
		p.Error(err)
	}
	for name, want := range map[string]bool{"collection.json": true, "download/large.json": false} {
		if _, err := os.Stat(filepath.Join(p.app.Config.Feed.Dir, name)); (err == nil) != want {
			p.Errorf("%s: %v", name, err)
		}
	}
	if got := p.states(m, scan); len(got) != 1 || got[0] != "stopped" {
		p.Errorf("runs: %v", got)
	}
	var s struct {
		Data struct {
			Attributes struct {
				NextTime time.Time `json:"next_time"`
			}
		}
	}
	p.must(200, m, "GET", "/v2/schedules/"+daily, nil).decode(p, &s)
	if next := s.Data.Attributes.NextTime; !next.After(p.clock.Now()) || next.After(p.clock.Now().Add(24*time.Hour)) {
		p.Errorf("the schedule fires next at %s, and it is %s", next, p.clock.Now())
	}
	tick(p, p.app)
	var left []struct {
		Kind       string
		Subscriber *string
	}
	err := p.app.DB.Read(ctx, access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&left, "select kind, args ->> 'subscriber' as subscriber from river_job where state not in ('completed', 'cancelled', 'discarded')")
	})
	if err != nil {
		p.Fatal(err)
	}
	reports := 0
	for _, j := range left {
		switch {
		case j.Kind == "event" && j.Subscriber != nil && *j.Subscriber == reportSubscriber:
			reports++
		case j.Kind == "mail" || j.Kind == "event" || j.Kind == "scheduled_start":
			p.Errorf("%s is left", j.Kind)
		}
	}
	if reports == 0 {
		p.Error("the report that was to be made is lost")
	}
	all := p.events("admin", "?q[action]=adminRestore")
	if len(all) != 1 || !strings.HasPrefix(all[0].Resource.Name, "backup of ") || !strings.Contains(string(all[0].Changes.After), `"mail":2`) {
		p.Errorf("%+v", all)
	}
}

// archive makes one of names and contents.
func archive(t *testing.T, files ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, h := range files {
		content := h.Linkname
		if h.Typeflag == 0 {
			h.Typeflag, h.Linkname, h.Size = tar.TypeReg, "", int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestRestoreRefuses what is no backup, or none for here, and leaves no database behind.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	manifest := func(format, schema int, database string) tar.Header {
		raw, _ := json.Marshal(Manifest{Format: format, Schema: schema, Database: database})
		return tar.Header{Name: manifestName, Linkname: string(raw)}
	}
	good := manifest(1, 1, "sqlite")
	whole := archive(t, good, tar.Header{Name: "feed/x", Linkname: "1"})
	for name, file := range map[string][]byte{
		"nothing":         nil,
		"text":            []byte("no backup"),
		"no manifest":     archive(t, tar.Header{Name: "database.db", Linkname: "x"}),
		"newer format":    archive(t, manifest(2, 1, "sqlite")),
		"newer schema":    archive(t, manifest(1, 1_000_000, "sqlite")),
		"other database":  archive(t, manifest(1, 1, "postgres")),
		"no database":     archive(t, good),
		"broken database": archive(t, good, tar.Header{Name: "database.db", Linkname: strings.Repeat("no database", 1000)}),
		"up":              archive(t, good, tar.Header{Name: "blob/../../x", Linkname: "x"}),
		"from the root":   archive(t, good, tar.Header{Name: "/blob/x", Linkname: "x"}),
		"other place":     archive(t, good, tar.Header{Name: "outbox/x", Linkname: "x"}),
		"folder":          archive(t, good, tar.Header{Name: "blob/", Typeflag: tar.TypeDir}),
		"symbolic link":   archive(t, good, tar.Header{Name: "blob/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
		"cut off":         whole[:len(whole)-9],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c, err := config.Read(nil, []string{"VEDETTE_DATA_DIR=" + filepath.Join(dir, "data")})
			if err != nil {
				t.Fatal(err)
			}
			if r, err := Restore(t.Context(), c, bytes.NewReader(file), &clock.Clock{}); err == nil {
				t.Errorf("taken: %+v", r)
			}
			_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() && filepath.Base(path) != "x" || strings.Contains(path, "restoring") {
					t.Errorf("%s is left", path)
				}
				return nil
			})
			if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
				t.Error("it reached a place of its own choice")
			}
		})
	}
}

func TestRestoreKeepsAnotherKey(t *testing.T) {
	t.Parallel()
	c, err := config.Read(nil, []string{"VEDETTE_DATA_DIR=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(c.DataDir, keyName)
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := archive(t, tar.Header{Name: manifestName, Linkname: `{"format":1,"schema":1,"database":"sqlite"}`}, tar.Header{Name: keyName, Linkname: "theirs"})
	_, err = Restore(t.Context(), c, bytes.NewReader(file), &clock.Clock{})
	if err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("%v", err)
	}
	if kept, err := os.ReadFile(mine); err != nil || string(kept) != "mine" {
		t.Errorf("%q, %v", kept, err)
	}
}

func TestAdminAccounts(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		ctx := context.Background()
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		a := p.admin()
		made, err := a.CreateOperator(ctx, "second", "second@example.com", "")
		if err != nil {
			p.Fatal(err)
		}
		p.signIn(200, "second@example.com", made)
		if shown, err := a.CreateOperator(ctx, "third", "", password); err != nil || shown != "" {
			p.Errorf("%q, %v", shown, err)
		}
		p.must(201, "third", "POST", "/v2/organizations", object{"organization": object{"name": "by the third"}})
		for what, x := range map[string][3]string{"a name twice": {"Second", "", password}, "a weak password": {"fourth", "", "password"}, "no name": {" ", "", password}, "no address": {"fifth", "nowhere", password}} {
			if _, err := a.CreateOperator(ctx, x[0], x[1], x[2]); err == nil {
				p.Errorf("%s is taken", what)
			}
		}

		for range 5 {
			p.signIn(401, m, "wrong")
		}
		p.signIn(429, m, password)
		p.exec("update users set locked_at = 1 where username = ?", m)
		if err := a.Unlock(ctx, "MANAGER@acme.example"); err != nil {
			p.Fatal(err)
		}
		p.signIn(200, m, password)
		if err := a.Unlock(ctx, "nobody"); err == nil {
			p.Error("nobody is unlocked")
		}

		p.installTOTP(m)
		half := p.half(m)
		if err := a.ResetMFA(ctx, m); err != nil {
			p.Fatal(err)
		}
		p.refused(401, m, "GET", "/v2/user/me", nil)
		p.refused(422, "", "POST", "/v2/auth/mfa/check", object{"otp_session_state": half.OTPSessionState})
		delete(p.tokens, m)
		if f := p.factors(m); f.Enabled || f.OTPDefaultMethod != nil {
			p.Errorf("%+v", f)
		}
		if notice := p.mail.Wait(p, "manager@acme.example", 1); notice.Subject != "Your second factor was reset" {
			p.Errorf("%s", notice.Raw)
		}
		for by, actions := range map[string][]string{"admin": {"adminCreateOperator"}, m: {"adminUnlock", "adminResetMFA"}} {
			for _, action := range actions {
				all := p.events(by, "?q[action]="+action+"&q[actor]="+strings.ReplaceAll(a.Who, "@", "*"))
				if len(all) == 0 || strings.Contains(string(all[0].Changes.After), "argon2") {
					p.Errorf("%s: %+v", action, all)
				}
			}
		}
	})
}

func TestRotateKey(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		ctx := context.Background()
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		seed, codes := p.installTOTP(m)
		body := object{"target": object{"name": "inside", "hosts": []string{"192.0.2.30"}, "scope_attestation": object{"accepted": true, "name": "Ada", "title": "CTO"},
			"credentials": []object{{"kind": "ssh", "username": "audit", "password": sesame}}}}
		first := p.must(201, m, "POST", "/v2/targets", body, "Idempotency-Key", "k1").id(p)
		old, _, _, err := p.app.Config.SealingKeys()
		if err != nil {
			p.Fatal(err)
		}
		next := secret.NewKey()
		both := []string{"VEDETTE_SECRET_KEY=" + next.Encode(), "VEDETTE_SECRET_OLD_KEYS=" + old.Encode()}

		lost, err := p.admin("VEDETTE_SECRET_KEY=" + secret.NewKey().Encode()).RotateKey(ctx)
		if err != nil || lost.Lost["recovery_codes"] != 10 || len(lost.Resealed) > 0 {
			p.Errorf("without the old key: %+v, %v", lost, err)
		}
		a := p.admin(both...)
		sealer, err := a.Config.Sealer()
		if err != nil {
			p.Fatal(err)
		}
		broken := Rotated{Resealed: map[string]int{}, Lost: map[string]int{}} // one batch, then it is broken off
		if _, err := a.reseal(ctx, sealer, sealedColumns[4], nil, &broken); err != nil || broken.Resealed["recovery_codes"] != 3 {
			p.Errorf("one batch: %+v, %v", broken, err)
		}
		r, err := a.RotateKey(ctx)
		if err != nil || r.Key != next.ID() || len(r.Lost) > 0 {
			p.Fatalf("%+v, %v", r, err)
		}
		for table, n := range map[string]int{"authorities": 1, "target_credentials": 1, "otp_methods": 1, "recovery_codes": 7, "idempotency_keys": 1} {
			if r.Resealed[table] != n {
				p.Errorf("%s: %d sealed anew, want %d", table, r.Resealed[table], n)
			}
		}
		if r, err = a.RotateKey(ctx); err != nil || len(r.Resealed)+len(r.Lost) > 0 {
			p.Errorf("again: %+v, %v", r, err)
		}
		q := p.with("VEDETTE_SECRET_KEY=" + next.Encode()) // a server that knows the new key alone
		p.clock.Move(time.Minute)
		q.second(200, q.half(m).OTPSessionState, q.code(seed, 0))
		q.recoverWith(200, q.half(m).OTPSessionState, codes[2])
		if again := q.must(201, m, "POST", "/v2/targets", body, "Idempotency-Key", "k1").id(p); again != first {
			p.Error("the kept answer is lost")
		}
		only, err := secret.NewSealer(next)
		if err != nil {
			p.Fatal(err)
		}
		err = p.app.DB.Read(ctx, access.System(access.DoorTest), func(tx *db.Tx) error {
			logins, err := target.Logins(tx, only, first)
			if err == nil && (len(logins) != 1 || logins[0].Password.Reveal() != sesame) {
				p.Errorf("%d logins", len(logins))
			}
			return err
		})
		if err != nil {
			p.Error(err)
		}
	})
}

// with is another server on the same database, with further settings; its jobs do not run.
func (p *program) with(settings ...string) *program {
	p.Helper()
	ctx := context.Background()
	c := p.configured(append([]string{"VEDETTE_HTTP_ADDRESS=127.0.0.1:0", "VEDETTE_SCANNER_EMBEDDED=true", "VEDETTE_API_SIGN_IN_LIMIT=0"}, settings...)...)
	q := &program{T: p.T, clock: p.clock, tokens: p.tokens, log: p.log, mail: p.mail}
	var err error
	if q.app, err = New(ctx, c, p.app.log, p.clock); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		_ = q.app.link.Shutdown(ctx)
		_ = q.app.listener.Close()
		_ = q.app.close()
	})
	return q
}

// TestEverySealedColumnIsRotated holds the list of rotate-key against the places that the source seals for.
func TestEverySealedColumnIsRotated(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range sealedColumns {
		known[c.table+" "+c.column] = false
	}
	place := regexp.MustCompile(`secret\.At\("(\w+)", "(\w+)"`)
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range place.FindAllStringSubmatch(string(source), -1) {
			name := m[1] + " " + m[2]
			if _, found := known[name]; !found {
				t.Errorf("%s seals %s, which rotate-key does not know", path, name)
			}
			known[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, used := range known {
		if !used {
			t.Errorf("nothing is sealed in %s", name)
		}
	}
}

func TestAdminVerifiesTheAudit(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		ctx := context.Background()
		acme := p.organization("admin", "acme", access.Manager)
		side := p.organization("admin", "side", access.Manager)
		for i := range 3 {
			p.target("manager@acme", fmt.Sprint("acme ", i), "192.0.2.1")
			p.target("manager@side", fmt.Sprint("side ", i), "192.0.2.1")
		}
		a := p.admin()
		if n, broken, err := a.VerifyAudit(ctx); err != nil || n != 3 || len(broken) > 0 {
			p.Fatalf("%d, %v, %v", n, broken, err)
		}
		p.exec("update audit_events set actor_name = 'eve' where sequence = 3 and organization_id = ?", acme)
		p.exec("update audit_heads set sequence = sequence + 1 where organization_id = ?", side)
		n, broken, err := a.VerifyAudit(ctx)
		found := map[string]Broken{}
		for _, b := range broken {
			found[b.Organization] = b
		}
		if err != nil || n != 3 || len(broken) != 2 || found[acme] != (Broken{acme, 3, false}) || !found[side].Missing {
			p.Errorf("%d, %+v, %v", n, broken, err)
		}
	})
}
